"""How the simulated questions are worded, whatever they are about: data only.

Sentences are Markdown with slots. ``@method``, ``@concept`` and ``@task`` are filled from the topic; where a sentence
needs two different ones, it says ``@methoda`` and ``@methodb``. The other slots are filled from `SLOTS` below, from
the numbers in `templates` and from the invented words in `words`.
"""

from collections.abc import Mapping

# ruff: noqa: RUF001 (dashes, quotes and other alphabets are part of the text)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


TITLES = _lines("""
    How to @task? (@field)
    How to @task with @method?
    How do I @task when @condition?
    How can I @task for @field?
    Is it possible to @task without @method?
    Is it valid to @task after @method?
    Is @method appropriate when @condition?
    Is @methoda or @methodb better for @field?
    Can @method be used to @task?
    Can I use @method when @condition?
    What is the right way to @task with the @dataset data?
    What is the role of @concept in @method?
    What does it mean to @task if @condition?
    What is the difference between @methoda and @methodb?
    Why does @method change @concept?
    What explains @concept in @package but not in @package?
    Why not always use @method to @task?
    When should one @task instead of using @method?
    Which is preferable: @methoda or @methodb?
    Should I @task before using @method?
    Should I use @method for the "@dataset" data?
    Interpretation of @concept (data: @dataset)
    Interpretation of @concept in @method
    Interpreting @concept for @field
    Confused about @concept and @var
    Confusion between @concepta and @conceptb
    Relation between @concepta and @conceptb
    Intuition behind @concept, after @person
    Problem with @concept when @condition
    Help with @method: @concept
    Reference for @method when @condition
    Proof involving @concept
    Formula of @person for @concept
    @person's remark on @concept
    @dataset data: how to @task?
    @method for @field with @package
    @method: what if @condition?
    @methoda vs. @methodb
    @method in @package – where is @concept?
    @method and @concept
    @concept with only @n rows
    @concepta & @conceptb: what's the difference?
    Does @method assume anything about @concept?
    Does it matter for @method that @condition?
    Best way to @task if @condition
    Good practice to @task (@field)
    Understanding @concept of @method
    Estimating @concept from @n observations of @field
    Strange values of @concept: 0.@d4
    Trying to @task, got @n.@d2
""")

OPENINGS = _lines("""
    I am trying to @task.
    I want to @task, using data on @field.
    I would like to @task but I am not sure about @concept.
    I have a data set on @field with @big rows, and I need to @task.
    I have @n measurements of `@var` for @field.
    Suppose that we use @method for @field.
    Suppose @concept is known.
    In @source I came across @method, and one thing about it puzzles me.
    While reading @source I stumbled over @concept.
    As @level, I am learning about @method from @source.
    My question is about @concept.
    This may be a naive question, but I could not find anything on @concept.
    For a project on @field I am using @method.
    My colleague @person claims that @method is the only way to @task.
    Hello everybody, I am @level and I struggle with @concept.
    We have collected data on @field since @year (the "@dataset" study).
    Consider the following situation: @condition, and I have to @task.
    According to @source, @method should not be used when @condition.
    I am using the package `@package` to @task.
    Let us say that I want to @task and that @condition.
    I'm analysing the @dataset data (@field) with @method.
    There are several questions here about @method, but none of them deals with @concept.
    In the paper by @person (@year), @concept is computed in an unusual way.
    Is there any way to @task?
""")

CONTEXT = _lines("""
    The data come from @field, and @condition.
    The variables are `@var`, `@var` and `@var`.
    There are @n groups, and the smallest has @i members.
    Each row of the @dataset file is one of @big cases.
    The variable `@var` was recorded by @person in @year.
    Some values of `@var` are larger than @big, which I think is plausible.
    My data look like this: @n, @n, @n, @n and so on.
    For the @dataset data I also know @concept.
    The column `@var` takes values between @i and @n.@d2.
    I work for a company that deals with @field, so I cannot share the raw data.
    The data were exported from @dataset, where `@var` is called *@var*.
    The original file (數據, "data") has a column `@var` in degrees and one in radians.
    It is known that @condition, at least for @field.
    By *@dataset* I mean the sum of `@var` and `@var`, following @person.
    All values were rounded to @i digits, e.g. @i.@d4 or @n.@d4.
    The observations were taken at @n sites – @i of them twice.
    The field is @field; think of `@var` as the outcome.
    As far as @concept is concerned, nothing is known in advance.
""")

ATTEMPTS = _lines("""
    So far I have tried @method, but @concept did not change.
    I used @methoda first and then @methodb.
    I ran @method in `@package` version @i.@n with @concept set to 0.@d3.
    My first idea was to @task, which failed.
    I tried to @task by means of @method.
    Following @source, I started with @method.
    With `@package` I get 0.@d4, with `@package` I get 0.@d4.
    I also looked at @concept, and it seems to be fine.
    What I did was to @taska and then to @taskb.
    After a suggestion of @person I replaced @methoda by @methodb.
    I computed @concept by hand and obtained @n.@d3.
    Using @method, `@var` gets the value @i.@d4.
    I have read [this post](https://example.org/questions/@big) and [that one](https://example.com/@dataset).
    I repeated this @n times with different seeds, e.g. `seed = @big`.
    First I removed @n rows where `@var` was negative.
    The function `@package.@var()` gives @i.@d3e-0@i.
""")

PROBLEMS = _lines("""
    However, I do not understand @concept.
    The problem is that @condition.
    It is not clear to me how @concepta relates to @conceptb.
    What surprises me is that @methoda and @methodb disagree.
    Unfortunately, @condition, so that I cannot simply @task.
    The results of @method look strange to me.
    For `@var` the value is 0.@d4, which is hard to believe.
    As a consequence, @concept is off by about @n %.
    The documentation of `@package` says nothing about @concept.
    In my case @method does not work, because @condition.
    According to @source, one should never @task.
    I fear that @method is **not** valid if @condition.
    When I add `@var`, everything changes.
    Strangely enough, the answer depends on @concept.
    The reviewers said that we should @task, "as @person did".
    I don't see why one would @task here.
    This contradicts what @person (@year) wrote about @concept.
    Neither @methoda nor @methodb gives me what I want.
""")

QUESTIONS = _lines("""
    How should I @task?
    How can I @task if @condition?
    Is @method the right choice here?
    Is there a better way to @task than @method?
    Does it make sense to @task?
    What is the correct interpretation of @concept?
    Why is @concept different from what I expected?
    Would it be better to use @methoda or @methodb?
    Can anyone explain @concept in simple terms?
    Should I worry about @concept?
    What would you do to @task?
    Can somebody point me to a reference on @method?
    Is my understanding of @concept correct?
    Does anybody know whether `@package` can @task?
    Which assumptions does @method make about @concept?
    Am I right that @concept does not matter if @condition?
    Am I missing something obvious?
    Is it wrong to @task in this situation?
    How does one usually @task when it comes to @field?
    What happens to @concept when @condition?
    In other words: when is @method justified?
    Has anyone seen this with `@package` before?
""")

REMARKS = _lines("""
    I @hedge that @concept plays a role.
    I @hedge that @method would be enough.
    Note that I do not want to @task.
    Intuitively, @concept should be smaller for @field.
    To be clear, I know how to @task.
    A plot of `@var` against `@var` shows nothing unusual.
    It may be relevant that @condition.
    Any hint on @concept would be appreciated.
    Perhaps the answer is in @source, but I could not find it.
    (I am @level, so please keep it simple.)
    I hope that the question is clear; if not, I’ll edit it.
    If @concept is the reason, how could I show it?
    **Edit:** as @person asked in a comment, `@var` is @n.@d2 on average.
    **Update:** with @n more rows the value is 0.@d4.
    The same happens for @field.
    For what it's worth, @person calls this the *@dataset effect*.
    Another option would be to @task.
    So @concepta < 0.@d2 is possible, and @conceptb > @n is not.
""")

THANKS = _lines("""
    Thanks in advance!
    Thank you for any help.
    Many thanks, @person
    Any advice is welcome.
    Thanks a lot 🙂
    Any reference would be great – thanks!
    Cheers
    Merci & thanks!
    Sorry for the long post.
    I'm grateful for any pointer to the literature.
""")

HEADINGS = _lines("""
    Background
    Data
    What I have tried
    My question
    Code
    Results
    Update
    About @concept
    Why @method?
    The @dataset data
""")

QUOTES = _lines("""
    As a rule, @method needs at least @n observations when @condition.
    One must not @task unless @concept is known.
    We used @method, since @condition (@person, @year).
    Contrary to common belief, @concepta has little to do with @conceptb.
    Those who @task should report @concept as well.
""")

INTRODUCTIONS = _lines("""
    Here is my code:
    The output is:
    This is what I get:
    A minimal example:
    For instance,
    Here is an excerpt of the @dataset data:
    and the result:
""")

FORMULA_INTRODUCTIONS = _lines("""
    The model is
    In symbols,
    More formally, with $n = @n$ and $p = @i$,
    I know that
    In @source, @concept is written as
    so that, for $\\alpha = 0.@d2$,
    where $x_{@i}$ is `@var`. From this I get
""")

FORMULAS = _lines(r"""
    \bar{x} = \frac{1}{n}\sum_{i=1}^{n} x_i
    f(x) = @i.@d2 + @n x
    \theta_{@i} \approx 0.@d4
    P(X \le x) = 0.@d3
    \mathbf{X} \in \mathbb{R}^{@big \times @n}
""")

SLOTS: Mapping[str, tuple[str, ...]] = {
    "condition": _lines("""
        the sample is small
        many values are missing
        the groups are unbalanced
        the variables are on different scales
        the observations are not independent
        the data are highly skewed
        there are more variables than observations
        the outcome is rare
        most of the values are zero
        the variance is not constant
        the measurements are noisy
        two variables are strongly correlated
        the same person appears several times
        the data arrive day by day
        the relationship is not linear
        some categories have one or two members
        nothing is known about the distribution
        the values are bounded between 0 and 1
        the number of groups is large
        there are obvious outliers
        a part of the data is censored
        the data set does not fit into memory
        the order of the rows matters
        the weights are unknown
    """),
    "field": _lines("""
        patients of a small hospital
        house prices
        credit card payments
        pupils of several schools
        bird counts
        blood pressure
        electricity demand
        football matches
        customers of a mobile network
        soil samples
        gene expression
        web traffic
        insurance claims
        hotel bookings
        sensor readings of a machine
        exam marks
        air pollution
        reaction times
        wine tasting
        retail sales
        brain scans
        fish in three lakes
        job applications
        exchange rates
        road accidents
        satellite images
        customer reviews
        rainfall
        twins
        rats on a diet
        loan defaults
        elections
        newspaper articles
        tumour sizes
        bicycle rentals
        R&D spending
        handwritten digits
        speech recordings
        call centre logs
        mail that may be spam
    """),
    "source": _lines("""
        a lecture
        a blog post
        an old textbook
        the manual
        a video course
        the lecture notes of @person
        a paper of @person
        the book by @person and @person
        [a tutorial](https://example.org/@dataset/@n)
        chapter @i of the course book
        a talk at a conference in @year
    """),
    "level": _lines("""
        a beginner
        a PhD student in biology
        a psychologist by training
        a programmer without much mathematics
        an undergraduate
        a medical doctor
        an engineer
        new to this site
        self-taught
        an economist
    """),
    "hedge": _lines("""
        think
        suspect
        have a feeling
        was told
        read somewhere
        assume
        am fairly sure
        doubt
    """),
}

OUTPUTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "coefficients": (
        "             Estimate Std. Error t value Pr(>|t|)",
        (
            "@var    @i.@d5   0.@d5   @i.@d3  0.@d5 **",
            "@var   -@i.@d5   0.@d5  -@i.@d3  0.@d5",
            "@var    0.@d5   0.@d5  @n.@d3   <2e-16 ***",
            "@var   -0.@d5   0.@d5  -0.@d3  0.@d4 .",
        ),
    ),
    "epochs": (
        "epoch  loss  val_loss  seconds",
        (
            "@n/@big - loss: 0.@d4 - val_loss: 0.@d4 - @i s",
            "@n/@big - loss: @i.@d4 - val_loss: @i.@d4 - @n s",
            "step @big: reward=@i.@d3 lr=1e-@i",
        ),
    ),
    "importance": (
        "variable        gain     cover",
        ("@var      @n.@d5   0.@d4", "@var      0.@d5    0.@d4", "@var       @i.@d4   @i.@d3"),
    ),
    "matrix": (
        "      [,1]    [,2]    [,3]    [,4]",
        (
            "[@n,]  0.@d4 -0.@d4  @i.@d3  0.@d4",
            "[@n,] -0.@d4  0.@d4  @i.@d3 -@i.@d3",
            "[@n,]  @n.@d2  @n.@d2  0.@d4  @i.@d3",
            "@var  0.@d3  0.@d3  0.@d3  -0.@d3",
        ),
    ),
    "confusion": (
        "         observed\nexpected   no   yes",
        ("  no    @big   @n", "  yes   @n   @big", "  @dataset   @n   @n", "statistic = @n.@d4, df = @i, p = 0.@d5"),
    ),
    "series": (
        "time,value",
        (
            "@year-0@i-1@i,@n.@d3",
            "@year-1@i,@i.@d4,@i.@d4",
            "@year @n @n @n @n @big",
            "[@n] @i.@d5 @i.@d5 @i.@d5 @n.@d4",
        ),
    ),
}
"""Console output: a header, and kinds of rows."""

TABLE_ROWS = _lines("""
    <tr><td>@var</td><td>@n.@d2</td><td>0.@d3</td></tr>
    <tr><td>@dataset</td><td>@big</td><td>&lt; 0.@d3</td></tr>
    <tr><td>@person</td><td>@i</td><td>@year</td></tr>
""")

IMAGE = (
    '<p><a href="https://example.com/@hex@hex.png" rel="nofollow"><img src="https://example.com/@hex@hex.png" '
    'alt="enter image description here"></a></p>'
)
