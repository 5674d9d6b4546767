// A page on disk may start no worker, so the script of the search runs in a hidden frame instead. Messages arrive later
// and as copies, as they do from a worker.
const messageOf = (data) => new MessageEvent("message", { data: structuredClone(data) });

if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => setTimeout(() => this.receive(messageOf(data)));
      inside.importScripts = (...urls) => urls.forEach((each) => this.load(each));
      this.ready = this.load(url);
    }
    load(url) {
      return new Promise((resolve, reject) => {
        const script = this.frame.contentDocument.createElement("script");
        Object.assign(script, { src: url, onload: resolve, onerror: reject });
        this.frame.contentDocument.body.append(script);
      });
    }
    receive(event) {
      this.dispatchEvent(event);
      this.onmessage?.(event);
    }
    postMessage(data) {
      const event = messageOf(data);
      this.ready.then(() => setTimeout(() => this.frame.contentWindow?.dispatchEvent(event)));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
