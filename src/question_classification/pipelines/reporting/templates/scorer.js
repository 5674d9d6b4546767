"use strict";

/* Scores a question by an exported model: the same text, tokens, weights and probability as in Python.

   What it follows: text/html.py, text/tokens.py, models/features.py, models/calibration.py; the format is that of
   models/export.py. It touches no document but an empty one of its own, in which named entities are looked up. */
const scorer = (() => {
  const words = (text) => new Set(text.split(" "));

  const PYTHON_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
  const IS_SPACE = new RegExp(`[${PYTHON_SPACE}]`);

  /** Takes off what Python holds for white space. */
  function strip(text) {
    let [begin, end] = [0, text.length];
    while (begin < end && IS_SPACE.test(text[begin])) begin++;
    while (begin < end && IS_SPACE.test(text[end - 1])) end--;
    return text.slice(begin, end);
  }

  // --- HTML: prose and code -----------------------------------------------------------------------------------------

  /* The parser of text/html.py is libxml2's, version 2.14. Its tokeniser is that of HTML5, but it builds no tree, and
     closes what was left open by rules of its own. A browser's tree would differ where markup is broken. */
  const VOID = words("area base basefont br col frame hr img input isindex link meta param");
  const RAW_TEXT = words("iframe noembed noframes script style xmp");
  const ESCAPABLE_RAW_TEXT = words("textarea title");
  const IN_HEAD = words("script style meta link title base");
  const OF_FRAMES = words("noframes frame frameset");
  const HEADINGS = "h1 h2 h3 h4 h5 h6";
  const CLOSED_BY = { // a start tag: what it closes if that is the innermost open element
    a: "a",
    address: "p ul",
    blockquote: "p",
    body: "p",
    caption: "p",
    center: "font b i p",
    col: "caption p",
    colgroup: "caption colgroup p",
    dd: "p menu dir address pre listing dt",
    dir: "p",
    div: "p",
    dl: "p dt menu dir address pre listing",
    dt: "p menu dir address pre listing dd",
    fieldset: `legend p ${HEADINGS} pre listing a`,
    form: `form p ${HEADINGS} dl ul ol menu dir address pre listing`,
    frameset: "p",
    h1: "p", h2: "p", h3: "p", h4: "p", h5: "p", h6: "p",
    head: "p",
    hr: "p",
    li: `p ${HEADINGS} dl address pre listing li`,
    listing: "p",
    menu: "p ul",
    ol: "p",
    optgroup: "option",
    option: "option",
    p: `p ${HEADINGS} tt i b u s strike big small`,
    pre: "p ul",
    table: `p ${HEADINGS} pre listing a`,
    tbody: "th td tr caption colgroup thead tfoot tbody p",
    td: "th td p span font a b i u",
    tfoot: "th td tr caption colgroup thead tbody p",
    th: "th td p span font a b i u",
    thead: "caption colgroup",
    title: "p",
    tr: "th td tr caption colgroup p",
    ul: "p menu dir address pre listing",
    xmp: "p",
  };
  const CLOSES = new Map(Object.entries(CLOSED_BY).map(([name, closed]) => [name, words(closed)]));
  const CLOSE_HEAD = words(
    "a abbr acronym address b bdo big blockquote body br center cite code dd dfn dir div dl dt em fieldset font form " +
    `frameset ${HEADINGS} hr i iframe img kbd li listing map menu ol p pre q s samp small span strike strong sub sup ` +
    "table tt u ul var xmp",
  );
  const closes = (name, open) => (open === "head" ? CLOSE_HEAD.has(name) : Boolean(CLOSES.get(name)?.has(open)));
  const END_PRIORITY = new Map(Object.entries({ // an end tag closes nothing that lies around an element of higher one
    div: 150, td: 160, th: 160, tr: 170, thead: 180, tbody: 180, tfoot: 180, table: 190, head: 200, body: 200, html: 220,
  }));
  const endPriority = (name) => END_PRIORITY.get(name) ?? 100;

  const BLOCKS = words(
    "address article aside blockquote body br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr img " +
    "li main nav ol option p pre section table tbody td tfoot th thead tr ul",
  );
  const CODE_ELEMENTS = words("code pre");
  const SILENT = words("script style");
  const CHUNK = 2 ** 15; // bytes
  const SLICE = 2 ** 12; // characters
  const MOST_OPEN = SLICE / 2; // tags

  /** Takes what the parser meets, and parts prose from code. */
  class Collector {
    prose = [];
    code = [];
    inCode = 0;
    silent = 0;

    tag(name, step) {
      if (CODE_ELEMENTS.has(name)) {
        this.inCode += step;
        if (!this.inCode) {
          this.code.push("\n");
          this.prose.push(" ");
        }
      } else if (SILENT.has(name)) {
        this.silent += step;
      }
      if (BLOCKS.has(name)) (this.inCode ? this.code : this.prose).push("\n");
    }

    text(text) {
      if (!this.silent) (this.inCode ? this.code : this.prose).push(text);
    }
  }

  const SPACE = /[\t\n\f\r ]*/y;
  const SPACE_OR_SLASH = /[\t\n\f\r /]*/y;
  const TAG_NAME = /[^\t\n\f\r />]*/y;
  const ATTRIBUTE_NAME = /=?[^\t\n\f\r />=]*/y;
  const UNQUOTED_VALUE = /[^\t\n\f\r >]*/y;
  const COMMENT = "\x3c!--"; // as it is, it would begin a comment in the page that this script is in
  const COMMENT_END = /--!?>/g;

  /** Reads a body from its first character to its last; no recursion, whatever is nested. */
  class Parser {
    stack = [];
    sawHead = false;
    sawBody = false;
    ignoredStarts = 0; // of html, head and body, whose end tags are ignored in turn
    collector = new Collector();

    constructor(html) {
      this.html = html;
      this.at = 0;
    }

    /** Returns prose and code, or null where too many elements are open, as text/html.py sees it, chunk by chunk. */
    parse() {
      const { html } = this;
      const ends = endsOfChunks(html);
      let chunk = 0;
      while (this.at < html.length) {
        const open = html.indexOf("<", this.at);
        this.text(html.slice(this.at, open < 0 ? html.length : open));
        if (open < 0) break;
        this.at = open;
        if (!this.isMarkup(open)) {
          if (this.stack.at(-1) === "frameset") this.imply("p");
          this.text("<");
          this.at += 1;
          continue;
        }
        const tag = this.readMarkup();
        for (; chunk < ends.length && ends[chunk] < this.at; chunk++) if (this.stack.length > MOST_OPEN) return null;
        if (tag?.isEnd) this.end(tag.name);
        else if (tag) this.start(tag);
      }
      if (ends.length && this.stack.length > MOST_OPEN) return null;
      return { prose: strip(this.collector.prose.join("")), code: strip(this.collector.code.join("")) };
    }

    isMarkup(open) {
      const [next, afterNext] = [this.html[open + 1], this.html[open + 2]];
      return /[A-Za-z!?]/.test(next ?? "") || (next === "/" && afterNext !== undefined);
    }

    match(pattern) {
      pattern.lastIndex = this.at;
      const [found] = pattern.exec(this.html);
      this.at += found.length;
      return found;
    }

    skipTo(index, length) {
      this.at = index < 0 ? this.html.length : index + length;
    }

    /** Reads what begins with `<`, and returns it if it is a whole tag. */
    readMarkup() {
      const { html } = this;
      if (html.startsWith(COMMENT, this.at)) {
        this.at += 4;
        if (html.startsWith(">", this.at) || html.startsWith("->", this.at)) {
          this.skipTo(html.indexOf(">", this.at), 1);
        } else {
          COMMENT_END.lastIndex = this.at;
          const end = COMMENT_END.exec(html);
          this.skipTo(end ? end.index : -1, end ? end[0].length : 0);
        }
        return null;
      }
      const isEnd = html[this.at + 1] === "/";
      const name = this.at + (isEnd ? 2 : 1);
      if (!/[A-Za-z]/.test(html[name] ?? "")) { // a declaration, an instruction, or what is taken for a comment
        this.skipTo(html.indexOf(">", name), 1);
        return null;
      }
      this.at = name;
      const tag = { name: lowerAscii(this.match(TAG_NAME)), isEnd, isClosed: false };
      for (;;) {
        const skipped = this.match(SPACE_OR_SLASH);
        if (this.at >= html.length) return null;
        if (html[this.at] === ">") {
          this.at += 1;
          return { ...tag, isClosed: skipped.endsWith("/") };
        }
        this.match(ATTRIBUTE_NAME);
        this.match(SPACE);
        if (html[this.at] !== "=") continue;
        this.at += 1;
        this.match(SPACE);
        const quote = html[this.at];
        if (quote === '"' || quote === "'") this.skipTo(html.indexOf(quote, this.at + 1), 1);
        else this.match(UNQUOTED_VALUE);
      }
    }

    start({ name, isClosed }) {
      while (closes(name, this.stack.at(-1))) this.pop();
      this.imply(name);
      const isMisplaced =
        (name === "html" && this.stack.length > 0) ||
        (name === "head" && this.stack.length !== 1) ||
        (name === "body" && this.stack.includes("body"));
      if (isMisplaced) this.ignoredStarts += 1;
      else this.push(name);
      if (isClosed || VOID.has(name)) this.pop();
      else if (!isMisplaced) this.readRawText(name);
    }

    /** Opens what a document has even if nobody wrote it. */
    imply(name) {
      if (name === "html") return;
      if (!this.stack.length) this.push("html");
      if (name === "body" || name === "head") return;
      if (this.stack.length <= 1 && IN_HEAD.has(name)) {
        if (!this.sawHead) this.push("head");
      } else if (!OF_FRAMES.has(name) && !this.sawBody && !this.stack.some((open) => open === "body" || open === "head")) {
        this.push("body");
      }
    }

    end(name) {
      if (this.ignoredStarts && (name === "html" || name === "head" || name === "body")) {
        this.ignoredStarts -= 1;
        return;
      }
      let place = this.stack.length - 1;
      for (const priority = endPriority(name); place >= 0 && this.stack[place] !== name; place--) {
        if (endPriority(this.stack[place]) > priority) return;
      }
      if (place >= 0) while (this.stack.length > place) this.pop();
    }

    push(name) {
      this.stack.push(name);
      if (name === "head" || name === "body") this.sawHead = true;
      if (name === "body") this.sawBody = true;
      this.collector.tag(name, 1);
    }

    pop() {
      this.collector.tag(this.stack.pop(), -1);
    }

    text(raw) {
      if (raw) this.plainText(decodeReferences(raw));
    }

    plainText(raw) {
      const text = raw.replace(/\0/g, "\ufffd");
      const around = this.stack.at(-1);
      const isOutside = around === undefined || around === "html" || around === "head";
      if (isOutside && /[^\t\n\f\r ]/.test(text)) {
        const [space] = /^[\t\n\f\r ]*/.exec(text);
        this.collector.text(space);
        while (closes("p", this.stack.at(-1))) this.pop();
        this.imply("p");
        this.collector.text(text.slice(space.length));
      } else {
        this.collector.text(text);
      }
    }

    /** Reads what is text up to its end tag, whatever it looks like. */
    readRawText(name) {
      const { html } = this;
      if (name === "plaintext") {
        this.plainText(html.slice(this.at).replace(/\r\n?/g, "\n"));
        this.at = html.length;
      } else if (RAW_TEXT.has(name) || ESCAPABLE_RAW_TEXT.has(name)) {
        const end = name === "script" ? endOfScript(html, this.at) : endOfRawText(html, this.at, name);
        const raw = html.slice(this.at, end);
        if (ESCAPABLE_RAW_TEXT.has(name)) this.text(raw);
        else if (raw) this.plainText(raw.replace(/\r\n?/g, "\n"));
        this.at = end;
      }
    }
  }

  const lowerAscii = (name) => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

  function endOfRawText(html, from, name) {
    const end = new RegExp(`</${name}[\\t\\n\\f\\r />]`, "gi");
    end.lastIndex = from;
    return end.exec(html)?.index ?? html.length;
  }

  /** Returns where a script ends: not within a comment that holds a script of its own. */
  function endOfScript(html, from) {
    const mark = /\x3c!--|-->|<(\/?)script(?=[\t\n\f\r />])/gi;
    mark.lastIndex = from;
    let isComment = false;
    let isInner = false;
    for (let found = mark.exec(html); found; found = mark.exec(html)) {
      if (found[0] === COMMENT) {
        isComment = true;
        mark.lastIndex -= 2; // its hyphens may end it
      } else if (found[0].endsWith(">")) isComment = isInner = false;
      else if (!found[1]) isInner = isComment;
      else if (!isInner) return found.index;
      else isInner = false;
    }
    return html.length;
  }

  /** Returns where each chunk of bytes ends, as an index into the text; nothing where few elements can be open. */
  function endsOfChunks(html) {
    if (html.split("<").length <= MOST_OPEN - 2) return [];
    const ends = [];
    let bytes = 0;
    let index = 0;
    for (const character of html) {
      const code = character.codePointAt(0);
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (bytes > CHUNK * (ends.length + 1)) ends.push(index);
      index += character.length;
    }
    return ends.concat(index);
  }

  const REFERENCE = /&(?:#[xX]([0-9A-Fa-f]+);?|#([0-9]+);?|([A-Za-z][0-9A-Za-z]*;?))/g;
  const WINDOWS_1252 = new TextDecoder("windows-1252");

  /** Puts the characters for `&amp;`, `&#38;`, `&#x26;` and the like, and ends lines with a line feed only. */
  function decodeReferences(raw) {
    const text = raw.replace(/\r\n?/g, "\n");
    if (!text.includes("&")) return text;
    const named = new Set();
    for (const [, , , name] of text.matchAll(REFERENCE)) if (name) named.add(name);
    const meaning = lookUpNames([...named]);
    return text.replace(REFERENCE, (_, hexadecimal, decimal, name) =>
      name ? meaning.get(name) : characterOf(Number.parseInt(hexadecimal ?? decimal, hexadecimal ? 16 : 10)));
  }

  /** Has the browser look up names of entities, which it knows by heart; no name stands for a space. */
  function lookUpNames(names) {
    if (!names.length) return new Map();
    const page = new DOMParser().parseFromString([".", ...names.map((name) => `&${name}`)].join(" "), "text/html");
    const [, ...meanings] = page.body.textContent.split(" ");
    return new Map(names.map((name, place) => [name, meanings[place]]));
  }

  function characterOf(code) {
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return "\ufffd";
    if (code >= 0x80 && code < 0xa0) return WINDOWS_1252.decode(new Uint8Array([code]));
    return String.fromCodePoint(code);
  }

  function parseInSlices(html) {
    const characters = Array.from(html);
    const pieces = [];
    for (let start = 0; start < characters.length;) {
      let end = Math.min(start + SLICE, characters.length) - 1;
      while (end > start && characters[end] !== "<") end--;
      if (end <= start || characters.length - start <= SLICE) end = start + SLICE;
      pieces.push(parse(characters.slice(start, end).join("")) ?? { prose: "", code: "" });
      start = end;
    }
    const join = (part) => pieces.map((piece) => piece[part]).filter(Boolean).join("\n");
    return { prose: join("prose"), code: join("code") };
  }

  const parse = (html) => new Parser(html.length > 1 ? html.replace(/^\ufeff/, "") : html).parse();

  const DELIMITER = /\\[\\$]|(\$\$?)|\\begin\{([A-Za-z]+\*?)\}|\\end\{([A-Za-z]+\*?)\}/g;
  const PARAGRAPH_END = new RegExp(`\\n[${PYTHON_SPACE}]*\\n`);
  const FORMULA = " latexformula ";

  function foldFormulas(text) {
    let folded = "";
    let done = 0;
    let opened = 0;
    let partner = null;
    for (const delimiter of text.matchAll(DELIMITER)) {
      const [found, dollars, begun, ended] = delimiter;
      const mark = dollars ?? ended;
      if (mark && mark === partner && !PARAGRAPH_END.test(text.slice(opened, delimiter.index))) {
        folded += text.slice(done, opened) + FORMULA;
        done = delimiter.index + found.length;
        partner = null;
      } else if ((dollars || begun) && (partner === null || dollars === partner)) {
        opened = delimiter.index;
        partner = dollars ?? begun;
      }
    }
    return folded + text.slice(done);
  }

  const withoutLoneSurrogates = (text) => text.replace(/\p{Surrogate}/gu, "?"); // they cannot be encoded

  /** Parts the prose of a body from its code, as `split_body` does. */
  function splitBody(html, formulas) {
    const text = withoutLoneSurrogates(html);
    const body = parse(text) ?? parseInSlices(text);
    return formulas === "fold" ? { ...body, prose: foldFormulas(body.prose) } : body;
  }

  // --- Tokens -------------------------------------------------------------------------------------------------------

  const PIECE = /[0-9A-Za-z_\x80-\u{10ffff}]+/gu;
  const PIECE_OR_MARK = /[0-9A-Za-z_\x80-\u{10ffff}]+|[^0-9A-Za-z_\t-\r\x1c-\x20]/gu;
  const WORD = /[\p{L}\p{N}_]{2,}/gu;
  const CODE_TOKEN = new RegExp(
    `[\\p{L}\\p{Nl}\\p{No}][\\p{L}\\p{N}_]*|\\p{Nd}+|[^\\p{L}\\p{N}_${PYTHON_SPACE}]`, "gu",
  );
  const IS_ASCII = /^[\0-\x7f]*$/;

  /** The Unicode of the Python that the model was fitted by: what came later is neither letter nor digit to it. */
  class Unicode {
    constructor(runs) {
      this.ends = [];
      runs.reduce((end, length) => (this.ends.push(end + length), end + length), 0);
    }

    isAssigned(code) { // runs of assigned code points and of others take turns
      let [low, high] = [0, this.ends.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.ends[middle] <= code) low = middle + 1;
        else high = middle;
      }
      return low % 2 === 0;
    }

    /** Cuts a text into runs of characters that it knows, in lower case, and single ones that it does not. */
    *lower(text) {
      if (IS_ASCII.test(text)) {
        yield { text: text.toLowerCase(), isKnown: true, at: 0, length: text.length };
        return;
      }
      let at = 0;
      let begin = 0;
      const known = (end) => (
        { text: text.slice(begin, end).toLowerCase(), isKnown: true, at: begin, length: end - begin }
      );
      for (const character of text) {
        if (!this.isAssigned(character.codePointAt(0))) {
          if (at > begin) yield known(at);
          yield { text: character, isKnown: false, at, length: character.length };
          begin = at + character.length;
        }
        at += character.length;
      }
      if (at > begin) yield known(at);
    }
  }

  /** Finds the tokens of a text, in order, each with its place in the text. */
  function tokenize(text, isCode, unicode) {
    const tokens = [];
    for (const piece of text.matchAll(isCode ? PIECE_OR_MARK : PIECE)) {
      for (const run of unicode.lower(piece[0])) {
        const at = piece.index + run.at;
        if (!run.isKnown) {
          if (isCode) tokens.push({ term: run.text, begin: at, end: at + run.length });
          continue;
        }
        for (const found of run.text.matchAll(isCode ? CODE_TOKEN : WORD)) {
          const isAsLong = run.text.length === run.length; // else lower case has moved what is behind it
          const begin = isAsLong ? at + found.index : at;
          tokens.push({ term: found[0], begin, end: isAsLong ? begin + found[0].length : at + run.length });
        }
      }
    }
    return tokens;
  }

  // --- The model ----------------------------------------------------------------------------------------------------

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function readNumbers(bytes) {
    const numbers = [];
    let [number, factor] = [0, 1];
    for (const byte of bytes) {
      number += (byte & 127) * factor;
      factor *= 128;
      if (byte < 128) {
        numbers.push(number);
        [number, factor] = [0, 1];
      }
    }
    return numbers;
  }

  function readCoefficients(block, bytes) {
    if (block.type === "multiples") {
      return Float64Array.from(readNumbers(bytes), (number) => block.step * (number % 2 ? -(number + 1) / 2 : number / 2));
    }
    const [size, read] = block.type === "float32" ? [4, "getFloat32"] : [8, "getFloat64"];
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / size }, (_, place) => view[read](place * size, true));
  }

  /** Terms of some fields, weighed by TF-IDF. */
  class Terms {
    static async load(block) {
      const arrays = ["vocabulary", "unigrams", "bigrams", "idf", "coefficients"];
      const [vocabulary, unigrams, bigrams, idf, coefficients] = await Promise.all(arrays.map((name) => unpack(block[name])));
      const terms = new Terms();
      const tokens = vocabulary.length ? new TextDecoder().decode(vocabulary).split("\n") : [];
      Object.assign(terms, { fields: block.fields, isSublinear: block.sublinear, size: tokens.length });
      terms.number = new Map(tokens.map((token, place) => [token, place]));
      terms.unigram = new Map();
      let token = 0;
      readNumbers(unigrams).forEach((difference, column) => terms.unigram.set((token += difference), column));
      terms.bigrams = terms.readBigrams(readNumbers(bigrams));
      terms.idf = Float64Array.from(readNumbers(idf), (place) => block.idf_values[place]);
      terms.coefficients = readCoefficients(block, coefficients);
      return terms;
    }

    readBigrams(numbers) {
      const count = numbers.length / 2;
      let [first, second] = [0, 0];
      return Float64Array.from({ length: count }, (_, place) => {
        first += numbers[place];
        second = numbers[place] || !place ? numbers[count + place] : second + numbers[count + place];
        return first * this.size + second;
      });
    }

    columnOfPair(first, second) {
      const key = first * this.size + second;
      let [low, high] = [0, this.bigrams.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.bigrams[middle] < key) low = middle + 1;
        else high = middle;
      }
      return this.bigrams[low] === key ? this.unigram.size + low : undefined;
    }

    contributions({ tokens }) {
      const found = new Map();
      const count = (column, term, field, begin, end) => {
        if (column === undefined) return;
        if (!found.has(column)) found.set(column, { column, term, count: 0, places: [] });
        const entry = found.get(column);
        entry.count += 1;
        entry.places.push({ field, begin, end });
      };
      for (const field of this.fields) {
        let previous = null;
        for (const token of tokens(field)) {
          const number = this.number.get(token.term);
          const known = number === undefined ? null : { ...token, number };
          if (known) count(this.unigram.get(number), token.term, field, token.begin, token.end);
          if (known && previous && this.bigrams.length) {
            const column = this.columnOfPair(previous.number, number);
            count(column, `${previous.term} ${token.term}`, field, previous.begin, token.end);
          }
          previous = known;
        }
      }
      const entries = [...found.values()].sort((one, other) => one.column - other.column);
      const weights = entries.map(({ column, count }) => (this.isSublinear ? 1 + Math.log(count) : count) * this.idf[column]);
      const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
      const field = this.fields.length === 1 ? this.fields[0] : "text";
      return entries.map(({ column, term, places }, place) => (
        { field, term, places, value: (this.coefficients[column] * weights[place]) / length }
      ));
    }
  }

  /** Numeric columns, standardised. */
  class Columns {
    static async load(block) {
      return Object.assign(new Columns(), { block });
    }

    contributions({ numbers }) {
      const { columns, fill, mean, scale, coefficients } = this.block;
      return columns.map((column, place) => {
        const standardised = ((numbers[column] ?? fill[place]) - mean[place]) / scale[place];
        return { field: "numeric", term: column, places: [], value: coefficients[place] * standardised };
      });
    }
  }

  /** Whether the words of the tag are in title or body. */
  class Keyword {
    static async load(block, unicode) {
      const escaped = block.words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
      const between = `[${PYTHON_SPACE}_\\-]+`;
      const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped.join(between)}(?![\\p{L}\\p{N}]|\\+\\+|#)`, "u");
      return Object.assign(new Keyword(), { block, unicode, pattern });
    }

    contributions({ texts }) {
      const name = this.block.words.join(" ");
      return this.block.columns.flatMap((column, place) => {
        const runs = [...this.unicode.lower(texts[column])];
        const lowered = runs.map(({ text, isKnown }) => (isKnown || this.block.words.join("").includes(text) ? text : "\uffff"));
        if (!this.pattern.test(lowered.join(""))) return [];
        return [{ field: "keyword", term: `${name} in the ${column}`, places: [], value: this.block.coefficients[place] }];
      });
    }
  }

  const BLOCK_KINDS = { terms: Terms, columns: Columns, keyword: Keyword };

  const sigmoid = (value) => (value >= 0 ? 1 / (1 + Math.exp(-value)) : Math.exp(value) / (1 + Math.exp(value)));

  function interpolate(value, xs, ys) {
    if (value <= xs[0]) return ys[0];
    if (value >= xs.at(-1)) return ys.at(-1);
    let [low, high] = [0, xs.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= value) low = middle;
      else high = middle;
    }
    return ys[low] + ((ys[high] - ys[low]) * (value - xs[low])) / (xs[high] - xs[low]);
  }

  /** A model that was exported, ready to score. */
  class Model {
    /** Unpacks an export. */
    static async load(exported) {
      const model = new Model();
      model.exported = exported;
      model.unicode = new Unicode(readNumbers(await unpack(exported.unicode.assigned)));
      model.blocks = await Promise.all(exported.blocks.map((block) => BLOCK_KINDS[block.kind].load(block, model.unicode)));
      return model;
    }

    /** The texts whose terms it weighs. */
    get fields() {
      return new Set(this.exported.blocks.flatMap((block) => block.fields ?? []));
    }

    /** Reads a question: its texts by field, with `createdAt` in seconds since 1970 (null if that is not known). */
    read({ title, body, createdAt = null }) {
      const length = (text) => Array.from(text).length;
      const texts = { title, body, ...splitBody(body, this.exported.formulas) };
      for (const field of Object.keys(texts)) texts[field] = withoutLoneSurrogates(texts[field]);
      const numbers = { creation_time: createdAt, title_length: length(title), body_length: length(body) };
      const found = new Map();
      const tokens = (field) => {
        if (!found.has(field)) found.set(field, tokenize(texts[field], field === "code", this.unicode));
        return found.get(field);
      };
      return { texts, numbers, tokens };
    }

    /** Scores a question: its probability, log-odds before calibration, and what each feature adds to these. */
    score(question) {
      const read = this.read(question);
      const contributions = this.blocks.flatMap((block) => block.contributions(read));
      const { intercept } = this.exported;
      const logOdds = contributions.reduce((sum, { value }) => sum + value, 0) + intercept;
      return { probability: this.calibrate(logOdds), logOdds, intercept, contributions, texts: read.texts };
    }

    calibrate(logOdds) {
      const { share, slope, intercept, decisions, probabilities } = this.exported.calibration;
      const smooth = share * sigmoid(slope * logOdds + intercept);
      return share < 1 ? smooth + (1 - share) * interpolate(logOdds, decisions, probabilities) : smooth;
    }
  }

  return { Model, splitBody };
})();
