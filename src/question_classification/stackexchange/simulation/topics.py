r"""What the simulated questions are about: data only.

A phrase is a piece of Markdown, as people type it on the site: `code`, *emphasis* and $\TeX$. A word with an at sign,
such as ``@n``, is a slot that is filled with a drawn value: see `templates`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# ruff: noqa: RUF001 (Greek letters and dashes are part of the text)

TARGET_TAG = "machine-learning"


def _phrases(text: str) -> tuple[str, ...]:
    """Split at the vertical bars."""
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


def _counts(text: str) -> dict[str, int]:
    """Read `name count | name count`."""
    return {name: int(count) for name, count in (phrase.split() for phrase in _phrases(text))}


def _lines(text: str) -> tuple[str, ...]:
    """Split at the line breaks."""
    return tuple(line.strip() for line in text.strip().splitlines())


@dataclass(frozen=True)
class Topic:
    """A subject of questions, with its own vocabulary.

    Attributes:
        share: relative frequency among the questions.
        interest: mean of the latent "how much is this about machine learning", on a logit scale.
        tags: relative frequency of each tag.
        methods: noun phrases that complete "I used ...".
        concepts: noun phrases that complete "I do not understand ...".
        tasks: verb phrases that complete "I want to ...".
        symptoms: whole sentences that report a result or a problem.
        formulas: TeX without the dollar signs.
        code: snippets of R or Python.
        output: kind of console output, a key of `phrases.OUTPUTS`.
        code_share: relative frequency of blocks of code; a paragraph has 10.
        math_share: relative frequency of displayed formulas; a paragraph has 10.
        trend: relative change of the share in ten years, around 2018.
    """

    share: float
    interest: float
    tags: Mapping[str, int]
    methods: tuple[str, ...]
    concepts: tuple[str, ...]
    tasks: tuple[str, ...]
    symptoms: tuple[str, ...]
    formulas: tuple[str, ...]
    code: tuple[str, ...]
    output: str = "coefficients"
    code_share: int = 1
    math_share: int = 1
    trend: float = 0.0


TOPICS: Mapping[str, Topic] = {
    "neural networks": Topic(
        share=8.0,
        interest=0.5,
        trend=0.8,
        tags=_counts("""neural-networks 100 | deep-learning 64 | conv-neural-network 28 | python 16
            | optimization 16 | classification 12 | time-series 4 | quantum-machine-learning 2"""),
        methods=_phrases("""a feed-forward network | a convolutional network | an LSTM | an autoencoder | a GRU
            | a residual network | dropout | batch normalisation | stochastic gradient descent | Adam | early stopping
            | transfer learning | a transformer | a network with @n hidden units | a siamese network"""),
        concepts=_phrases("""the hidden layer | the activation function | the learning rate | the vanishing gradient
            | the weight initialisation | the softmax layer | the batch size | the receptive field | the loss surface
            | the attention weights | the number of epochs | the bias term of a neuron | the embedding layer
            | weight decay | the gradient of the loss"""),
        tasks=_phrases("""choose the number of hidden layers | stop the loss from becoming NaN | initialise the weights
            | back-propagate through a pooling layer | train on images of different sizes | tune the learning rate
            | freeze the first layers | feed categorical inputs into a network | visualise what a neuron has learnt
            | predict several outputs with one network | reduce the number of parameters"""),
        symptoms=_lines("""
            The training loss falls to 0.@d4, but the validation loss rises after epoch @n.
            After @n epochs the network predicts the same class for every image.
            With `relu` the gradients are exactly zero in layer @i, with `tanh` they are not.
            The loss oscillates around 0.@d4 whatever the learning rate is.
            On the GPU an epoch takes @n seconds, and still nothing is learnt.
            Adding a layer of @n units makes the accuracy drop from 0.@d3 to 0.@d3.
            The outputs of the sigmoid layer are all close to 0.@d4.
        """),
        formulas=_lines(r"""
            h^{(l)} = \sigma\left(W^{(l)} h^{(l-1)} + b^{(l)}\right)
            \frac{\partial L}{\partial W} = \delta\, h^\top
            w_{t+1} = w_t - \eta_t \nabla L(w_t)
            \mathrm{softmax}(z)_k = \frac{e^{z_k}}{\sum_{j=1}^{@n} e^{z_j}}
            L = -\sum_{i=1}^{N} y_i \log \hat y_i
        """),
        code=(
            "net = Network()\nnet.add(Dense(@n, activation='relu'))\nnet.add(Dropout(0.@d2))\n"
            "net.add(Dense(@i, activation='softmax'))\nnet.fit(@var, labels, epochs=@n, batch=@n)",
            "for step in range(@big):\n    loss = criterion(net(@var), target)\n    loss.backward()\n"
            "    if loss < 0.@d3:\n        break",
            "W1 = 0.@d3 * randn(@n, @n)\nh = maximum(0, @var @ W1 + b1)\nprint(h.mean(), h.std())",
            "import @package as nn\nencoder = nn.Encoder(hidden=@n, layers=@i)\nprint(encoder.summary())",
        ),
        output="epochs",
        code_share=3,
    ),
    "trees and ensembles": Topic(
        share=6.0,
        interest=0.15,
        trend=0.2,
        tags=_counts("""random-forest 40 | boosting 24 | cart 22 | r 14 | classification 12 | regression 8
            | feature-selection 8 | predictive-models 8 | python 6"""),
        methods=_phrases("""a random forest | gradient boosting | a single decision tree | AdaBoost | bagging
            | extremely randomised trees | a regression tree | a forest of @n trees | a stacked ensemble
            | cost-complexity pruning | isolation forests | conditional inference trees"""),
        concepts=_phrases("""the out-of-bag error | variable importance | the Gini impurity | the depth of the trees
            | the number of variables tried at each split | the shrinkage parameter | a surrogate split
            | the partial dependence plot | the leaf nodes | the proximity matrix | the splitting criterion"""),
        tasks=_phrases("""rank the variables of a forest | prune a large tree | predict quantiles with a forest
            | handle a factor with many levels in a tree | choose the number of boosting rounds
            | draw one tree of the ensemble | combine a forest with a linear model | explain a single prediction
            | get prediction intervals from a forest | weight the classes in a forest"""),
        symptoms=_lines("""
            The out-of-bag error is 0.@d4, yet on new rows the error is 0.@d4.
            The importance of `@var` changes from rank @i to rank @n when I permute the columns.
            Growing @big trees gives the same result as growing @n.
            The first split is always on `@var`, even when I add pure noise.
            After @n rounds of boosting the deviance stays at 0.@d4.
            Correlated columns share their importance, so that none of them looks useful.
        """),
        formulas=_lines(r"""
            G = \sum_{k=1}^{K} p_k (1 - p_k)
            F_m(x) = F_{m-1}(x) + \nu\, h_m(x)
            \hat f(x) = \frac{1}{B}\sum_{b=1}^{B} T_b(x)
            R_\alpha(T) = R(T) + \alpha |T|
        """),
        code=(
            "forest <- grow(@var ~ ., data = @data, ntree = @n, mtry = @i)\nprint(forest)\nplot(importance(forest))",
            "model = Boosting(rounds=@n, shrinkage=0.@d2, depth=@i)\nmodel.fit(X_train, y_train)\n"
            "print(model.score(X_test, y_test))",
            "tree <- partition(@var ~ @var + @var, @data, control = list(cp = 0.@d3))\nsummary(tree)",
        ),
        output="importance",
        code_share=3,
    ),
    "support vectors and kernels": Topic(
        share=3.5,
        interest=0.45,
        trend=-0.7,
        tags=_counts("""svm 45 | classification 16 | optimization 8 | python 10 | r 6"""),
        methods=_phrases("""a support vector machine | a linear SVM | the Gaussian kernel | a polynomial kernel
            | support vector regression | a one-class SVM | sequential minimal optimisation | Platt scaling
            | the kernel trick | kernel ridge regression"""),
        concepts=_phrases("""the margin | the support vectors | the slack variables | the dual problem | the hinge loss
            | the cost parameter $C$ | the kernel matrix | the separating hyperplane | the width of the kernel
            | the feature map | the KKT conditions"""),
        tasks=_phrases("""choose $C$ and $\\gamma$ | derive the dual of the SVM | get probabilities from an SVM
            | use a kernel on strings | separate more than two classes | scale the inputs of an SVM
            | find the support vectors by hand | prove that a kernel is valid | speed up an SVM on many rows"""),
        symptoms=_lines("""
            Nearly all of the @big points become support vectors.
            With $C = @n$ the boundary is a straight line, with $C = 0.@d3$ it is a mess.
            The Gaussian kernel gives 0.@d3 accuracy in training and 0.@d3 afterwards.
            The optimiser stops with the message that @big iterations were reached.
            Without scaling, `@var` dominates the kernel completely.
        """),
        formulas=_lines(r"""
            \min_{w,b,\xi} \tfrac12 \|w\|^2 + C \sum_i \xi_i
            K(x, z) = \exp\left(-\gamma \|x - z\|^2\right)
            y_i (w^\top x_i + b) \ge 1 - \xi_i
            \sum_{i=1}^{n} \alpha_i y_i = 0
        """),
        code=(
            'fit <- margin(@var ~ ., data = @data, kernel = "radial", cost = @n, gamma = 0.@d4)\nnrow(fit$vectors)',
            "clf = Margin(kernel='rbf', C=@n, gamma=0.@d4)\nclf.fit(X, y)\nprint(len(clf.support), clf.score(X, y))",
            "K = exp(-0.@d3 * cdist(X, X) ** 2)\nassert all(eigvals(K) > -1e-@i)",
        ),
        output="matrix",
        code_share=2,
        math_share=2,
    ),
    "classifiers and their evaluation": Topic(
        share=6.0,
        interest=0.35,
        trend=0.4,
        tags=_counts("""classification 40 | unbalanced-classes 18 | roc 16 | precision-recall 12 | python 12
            | predictive-models 10 | naive-bayes 9 | logistic 8 | r 5"""),
        methods=_phrases("""naive Bayes | nearest neighbours | oversampling | undersampling | SMOTE
            | linear discriminant analysis | a calibrated classifier | one-versus-rest | a voting scheme | a cascade
            | cost-sensitive weighting | the majority baseline"""),
        concepts=_phrases("""the ROC curve | the area under the curve | precision and recall | the F1 score
            | the confusion matrix | the decision threshold | the minority class | the decision boundary | calibration
            | the Brier score | the false positive rate | the base rate of the classes"""),
        tasks=_phrases("""choose a threshold | compare two classifiers | deal with unbalanced classes
            | average the F1 score over classes | classify rows that belong to no class | plot a decision boundary
            | compute the AUC for several classes | calibrate the predicted probabilities
            | label only a part of the rows | assess a classifier with few positives"""),
        symptoms=_lines("""
            The accuracy is 0.@d3, but the recall of the rare class is only 0.@d3.
            Only @n of the @big rows belong to the positive class.
            The AUC is 0.@d4 although the confusion matrix looks useless.
            After oversampling, precision falls from 0.@d3 to 0.@d3.
            The predicted probabilities never exceed 0.@d3.
            Two classifiers disagree on @n rows and have the same F1 score.
        """),
        formulas=_lines(r"""
            F_1 = \frac{2\,TP}{2\,TP + FP + FN}
            P(y = k \mid x) \propto P(k) \prod_j P(x_j \mid k)
            \hat y = \arg\max_k \hat p_k(x)
            AUC = P(s_+ > s_-)
        """),
        code=(
            "scores = clf.predict(X_test) > 0.@d2\nprint(confusion(y_test, scores))\nprint('auc', auc(y_test, scores))",
            'pred <- ifelse(p > 0.@d2, "yes", "no")\ntable(pred, @data$@var)\nmean(pred == @data$@var)',
            "X_new, y_new = resample(X, y, ratio=0.@d2)\nknn = Neighbours(k=@i).fit(X_new, y_new)",
        ),
        output="confusion",
        code_share=2,
    ),
    "clustering": Topic(
        share=4.5,
        interest=-0.75,
        tags=_counts("""clustering 50 | k-means 22 | r 10 | data-mining 9 | python 5 | categorical-data 5
            | distributions 4"""),
        methods=_phrases("""k-means | hierarchical clustering | DBSCAN | a Gaussian mixture | spectral clustering
            | Ward's method | the EM algorithm | k-medoids | a self-organising map | consensus clustering
            | mean shift"""),
        concepts=_phrases("""the number of clusters | the silhouette width | the dendrogram | the cluster centres
            | the distance matrix | the within-cluster sum of squares | the gap statistic | the linkage criterion
            | cluster stability | the adjusted Rand index | the elbow"""),
        tasks=_phrases("""find the number of clusters | cluster mixed data | compare two partitions
            | assign new points to clusters | choose a distance for binary variables | cluster curves
            | validate a clustering without labels | weight the variables of a distance | cut a dendrogram"""),
        symptoms=_lines("""
            Every run of k-means returns different centres, even with @n restarts.
            One cluster holds @big points and the others fewer than @n.
            The silhouette width is 0.@d3 for two clusters and 0.@d3 for @n.
            The elbow plot is a smooth curve, so that I cannot see any elbow.
            After standardising `@var` the clusters look like slices of a cake.
        """),
        formulas=_lines(r"""
            \sum_{k=1}^{K} \sum_{i \in C_k} \|x_i - \mu_k\|^2
            d(x, y) = \sqrt{\sum_j w_j (x_j - y_j)^2}
            \pi_k = \frac{1}{n}\sum_i \gamma_{ik}
            s_i = \frac{b_i - a_i}{\max(a_i, b_i)}
        """),
        code=(
            'd <- dist(scale(@data[, c("@var", "@var")]))\ntree <- agglomerate(d, method = "ward")\ncut(tree, k = @i)',
            "km = Centres(k=@i, restarts=@n).fit(X)\nprint(km.inertia, km.centres[:@i])",
            "for (k in 2:@n) {\n  fit <- centres(@data, k)\n  cat(k, fit$within, '\\n')\n}",
        ),
        output="matrix",
        code_share=2,
    ),
    "principal components and factors": Topic(
        share=4.0,
        interest=-1.5,
        tags=_counts("""pca 45 | factor-analysis 22 | dimensionality-reduction 18 | r 9 | correlation 6"""),
        methods=_phrases("""principal components | factor analysis | the singular value decomposition | t-SNE
            | a varimax rotation | multidimensional scaling | independent components | sparse PCA
            | correspondence analysis | parallel analysis | canonical correlation"""),
        concepts=_phrases("""the loadings | the explained variance | the eigenvectors | the scree plot | the biplot
            | the communalities | the number of components | the rotation matrix | the component scores
            | the covariance matrix | the reconstruction error"""),
        tasks=_phrases("""choose the number of components | interpret negative loadings | rotate the components
            | apply PCA to binary items | project new rows on old components | compare loadings of two groups
            | standardise before PCA | go back from scores to variables | name the factors of a questionnaire"""),
        symptoms=_lines("""
            The first component explains @n % of the variance and the second almost nothing.
            The sign of the loadings of `@var` flips between two programs.
            Items with loadings of 0.@d3 on both factors are hard to place.
            The scree plot suggests @i factors, parallel analysis suggests @i.
            The eigenvalues are @i.@d3, @i.@d3 and 0.@d3.
        """),
        formulas=_lines(r"""
            X = U D V^\top
            \Sigma = \Lambda\Lambda^\top + \Psi
            \frac{\lambda_1}{\sum_j \lambda_j} = 0.@d3
            z_i = V^\top (x_i - \bar x)
        """),
        code=(
            "p <- components(@data, scale = TRUE)\nsummary(p)\nround(p$loadings[, 1:@i], 3)",
            "U, d, V = svd(X - X.mean(0))\nprint((d ** 2 / (d ** 2).sum())[:@i])",
            'fa <- factors(@data, nfactors = @i, rotate = "oblique")\nprint(fa, cutoff = 0.@d2)',
        ),
        output="matrix",
        code_share=2,
        math_share=2,
    ),
    "text and language": Topic(
        share=3.0,
        interest=0.4,
        trend=0.4,
        tags=_counts("""natural-language 36 | text-mining 26 | classification 14 | python 12 | deep-learning 10
            | neural-networks 8 | naive-bayes 6 | data-mining 6"""),
        methods=_phrases("""a bag of words | tf-idf weighting | latent Dirichlet allocation | word embeddings
            | a language model | stemming | a sequence tagger | cosine similarity | n-grams of characters
            | sentence vectors | a hidden Markov tagger"""),
        concepts=_phrases("""the vocabulary size | perplexity | the number of topics | the stop words
            | the document-term matrix | the sentiment of a sentence | rare words | the context window
            | the similarity of two documents | out-of-vocabulary words | the token counts"""),
        tasks=_phrases("""classify short messages | choose the number of topics | weight rare words
            | compare two documents | detect the language of a text | remove boilerplate sentences
            | embed whole paragraphs | find names in a text | group similar complaints | label topics by hand"""),
        symptoms=_lines("""
            The vocabulary has @big words, most of which occur once.
            Perplexity goes down to @n.@d2 and then up again.
            All of the topics contain the same ten words.
            The cosine similarity of unrelated texts is 0.@d3.
            Messages of fewer than @n words are nearly always put in the wrong group.
        """),
        formulas=_lines(r"""
            \mathrm{idf}(t) = \log\frac{N}{df_t}
            \cos\theta = \frac{u^\top v}{\|u\|\,\|v\|}
            P(w_i \mid w_{i-1}) = \frac{c(w_{i-1} w_i)}{c(w_{i-1})}
            \theta_d \sim \mathrm{Dirichlet}(\alpha)
        """),
        code=(
            'counts = Counter(token for doc in @data for token in doc.split())\nprint(counts["@dataset"], len(counts))',
            "vec = Bag(min_df=@i, ngrams=(1, 2))\nX = vec.fit(texts)\nprint(X.shape)",
            "corpus <- lower(@data$@var)\ndtm <- terms(corpus, sparse = 0.@d2)\nhead(freq(dtm), @n)",
        ),
        output="matrix",
        code_share=2,
        math_share=1,
    ),
    "model selection and validation": Topic(
        share=6.5,
        interest=-0.15,
        tags=_counts("""cross-validation 40 | model-selection 26 | feature-selection 20 | regularization 18
            | lasso 16 | overfitting 14 | predictive-models 10 | r 8 | regression 8 | python 6
            | bootstrap 5"""),
        methods=_phrases("""cross-validation | nested cross-validation | the lasso | ridge regression | the elastic net
            | a grid search | stepwise selection | leave-one-out | recursive elimination | a hold-out sample
            | Bayesian optimisation | the one-standard-error rule"""),
        concepts=_phrases("""the penalty $\\lambda$ | the bias–variance trade-off | the number of folds | overfitting
            | the optimism of the error | the regularisation path | the generalisation error | the selected variables
            | data leakage | the AIC difference | the tuning grid"""),
        tasks=_phrases("""select variables inside the folds | choose $\\lambda$ | split grouped data into folds
            | report the error after tuning | avoid leakage from scaling | compare models on the same folds
            | stop overfitting on few rows | refit the final model | bootstrap a tuned model
            | choose between @n candidate models"""),
        symptoms=_lines("""
            The cross-validated error is 0.@d4, and the error on the hold-out sample is 0.@d4.
            Each fold selects other variables; only `@var` is always there.
            The lasso keeps @n of the @big columns.
            The best $\\lambda$ is at the edge of the grid, 0.@d4.
            With @n folds the standard deviation of the score is 0.@d3.
            AIC prefers the model with `@var`, the hold-out sample does not.
        """),
        formulas=_lines(r"""
            \min_\beta \|y - X\beta\|_2^2 + \lambda \|\beta\|_1
            CV = \frac{1}{K}\sum_{k=1}^{K} MSE_k
            E[(y - \hat f)^2] = \mathrm{Bias}^2 + \mathrm{Var} + \sigma^2
            AIC = 2k - 2\log L
        """),
        code=(
            "scores = validate(model, X, y, folds=@i)\nprint(scores.mean(), scores.std())",
            "cv <- penalised(as.matrix(@data), y, alpha = 0.@d2, nfolds = @i)\ncoef(cv, s = 0.@d4)",
            "for train, test in folds(X, k=@i, seed=@n):\n    model.fit(X[train], y[train])\n"
            "    errors.append(loss(y[test], model.predict(X[test])))",
        ),
        output="matrix",
        code_share=2,
    ),
    "agents and recommendations": Topic(
        share=1.5,
        interest=0.35,
        trend=0.3,
        tags=_counts("""reinforcement-learning 30 | optimization 8 | data-mining 6 | deep-learning 6
            | markov-process 6 | python 3"""),
        methods=_phrases("""Q-learning | a policy gradient | a multi-armed bandit | matrix factorisation
            | collaborative filtering | Thompson sampling | temporal differences | an epsilon-greedy policy
            | value iteration | an actor and a critic"""),
        concepts=_phrases("""the reward | the policy | the value function | the discount factor | exploration
            | the cold start of new users | the rating matrix | the replay buffer | implicit feedback | the regret"""),
        tasks=_phrases("""shape the reward | choose the discount factor | recommend to new users
            | evaluate a policy offline | explore without losing money | factorise a sparse matrix of ratings
            | compare two bandits | learn from clicks only"""),
        symptoms=_lines("""
            After @big episodes the mean reward is still @i.@d2.
            The agent always takes action @i.
            The ratings matrix is 0.@d3 empty.
            The Q values grow beyond @big and never come back.
            Popular items take the first @n places of every list.
        """),
        formulas=_lines(r"""
            Q(s,a) \leftarrow Q(s,a) + \alpha\left[r + \gamma \max_b Q(s',b) - Q(s,a)\right]
            \hat r_{ui} = \mu + b_u + b_i + p_u^\top q_i
            V(s) = E\left[\sum_t \gamma^t r_t\right]
        """),
        code=(
            "a = argmax(Q[s]) if rand() > 0.@d2 else randint(@i)\ns2, reward = env.step(a)\nQ[s, a] += 0.@d2 * reward",
            "P, R = factorise(@data, rank=@n, penalty=0.@d3)\nprint(rmse(P @ R, ratings))",
        ),
        output="epochs",
        code_share=2,
        math_share=2,
    ),
    "linear regression": Topic(
        share=12.0,
        interest=-3.1,
        tags=_counts("""regression 50 | r 22 | multiple-regression 20 | multicollinearity 10 | self-study 6
            | predictive-models 4"""),
        methods=_phrases("""ordinary least squares | multiple regression | weighted least squares
            | polynomial regression | robust standard errors | quantile regression | a log transformation
            | a Box–Cox transformation | dummy coding | an interaction term | regression splines"""),
        concepts=_phrases("""the intercept | the slope | $R^2$ | the residuals | the variance inflation factor
            | heteroscedasticity | the standard error of a coefficient | the fitted values | the prediction interval
            | the design matrix | the leverage of a point | the F statistic"""),
        tasks=_phrases("""interpret an interaction | detect multicollinearity | transform a skewed response
            | compare two slopes | read a residual plot | centre a predictor | include a categorical predictor
            | test a linear restriction | back-transform the coefficients | handle an outlier in a regression"""),
        symptoms=_lines("""
            The coefficient of `@var` changes its sign once `@var` is in the model.
            $R^2$ is 0.@d3, but no coefficient is significant.
            The residuals fan out when `@var` is larger than @n.
            The variance inflation factors are @i.@d2 and @n.@d2.
            The slope is 0.@d4 with a standard error of 0.@d4.
            On the log scale the fit is good, on the original scale it is off by @n %.
        """),
        formulas=_lines(r"""
            y_i = \beta_0 + \beta_1 x_{i1} + \beta_2 x_{i2} + \varepsilon_i
            \hat\beta = (X^\top X)^{-1} X^\top y
            R^2 = 1 - \frac{SS_{res}}{SS_{tot}}
            \log y = @i.@d2 + 0.@d3\, x
        """),
        code=(
            "m <- lm(@var ~ @var + @var * @var, data = @data)\nsummary(m)\nplot(resid(m) ~ fitted(m))",
            "fit <- lm(log(@var) ~ poly(@var, @i), data = @data)\nanova(m0, fit)",
            "X = column(ones(n), @data['@var'])\nbeta = solve(X.T @ X, X.T @ y)",
        ),
        code_share=2,
    ),
    "logistic and generalised linear models": Topic(
        share=7.0,
        interest=-2.3,
        tags=_counts("""logistic 45 | generalized-linear-model 22 | regression 18 | r 16 | poisson-regression 10
            | categorical-data 9 | classification 5 | predictive-models 4"""),
        methods=_phrases("""logistic regression | a Poisson model | a negative binomial model | a probit model
            | an ordinal model | a zero-inflated model | multinomial regression | an offset | a gamma model
            | Firth's correction | a generalised additive model"""),
        concepts=_phrases("""the odds ratio | the link function | the deviance | overdispersion | complete separation
            | the log-odds | the marginal effect | the linear predictor | the dispersion parameter
            | the pseudo $R^2$ | the reference level"""),
        tasks=_phrases("""interpret an odds ratio | test for overdispersion | choose a link function
            | predict a probability from the log-odds | compare nested models | model a rate with an offset
            | deal with separation | plot marginal effects | adjust for the sampling of cases"""),
        symptoms=_lines("""
            The odds ratio of `@var` is @n.@d2 with an enormous interval.
            R warns that fitted probabilities of 0 or 1 occurred.
            The residual deviance is @n.@d2 on @n degrees of freedom.
            The variance of the counts is @i.@d2 times the mean.
            The p-value of `@var` is 0.@d3 in one model and 0.@d3 in the other.
        """),
        formulas=_lines(r"""
            \log\frac{p}{1-p} = \beta_0 + \beta_1 x
            Y_i \sim \mathrm{Poisson}(\mu_i)
            D = 2\left(\ell_{sat} - \ell\right)
            OR = e^{0.@d3}
        """),
        code=(
            "m <- glm(@var ~ @var + factor(@var), family = binomial, data = @data)\nexp(coef(m))\nsummary(m)",
            'p <- glm(count ~ @var + offset(log(@var)), family = "poisson", data = @data)\np$deviance / p$df',
            "predict(m, newdata = data.frame(@var = @n), type = 'response')",
        ),
        code_share=2,
    ),
    "time series": Topic(
        share=8.0,
        interest=-2.5,
        tags=_counts("""time-series 55 | forecasting 24 | arima 22 | r 14 | econometrics 12 | regression 6"""),
        methods=_phrases("""an ARIMA model | exponential smoothing | a GARCH model | vector autoregression
            | differencing | the Kalman filter | seasonal decomposition | the Dickey–Fuller test | a state space model
            | dynamic regression | Granger causality"""),
        concepts=_phrases("""stationarity | the autocorrelation function | the seasonal component | the unit root
            | the forecast horizon | the lag order | cointegration | the forecast interval | the trend | volatility
            | the partial autocorrelation"""),
        tasks=_phrases("""choose the lag order | forecast daily data with two seasons | test for a unit root
            | difference a seasonal series | forecast @n steps ahead | detect a structural break
            | include holidays as regressors | align series of different frequency | fill gaps in a series"""),
        symptoms=_lines("""
            The forecast is a flat line at @n.@d2 after @i steps.
            The autocorrelation at lag @n is 0.@d3 even after differencing.
            The unit root test gives a p-value of 0.@d3 for `@var`.
            In @year the level of the series jumps by @n %.
            The forecast interval is wider than the whole history.
        """),
        formulas=_lines(r"""
            y_t = \phi_1 y_{t-1} + \varepsilon_t + \theta_1 \varepsilon_{t-1}
            \sigma_t^2 = \omega + \alpha \varepsilon_{t-1}^2 + \beta \sigma_{t-1}^2
            (1 - B)(1 - B^{12}) y_t = \varepsilon_t
            \rho_k = \frac{\gamma_k}{\gamma_0}
        """),
        code=(
            "y <- ts(@data$@var, start = c(@year, 1), frequency = 12)\nfit <- arima(y, order = c(@i, 1, @i))\nfit",
            "fc <- forecast(fit, h = @n)\nplot(fc)\nacf(resid(fit), lag = @n)",
            "series = read('@dataset.csv')['@var'].diff(12)\nprint(adf(series, lags=@i))",
        ),
        output="series",
        code_share=2,
    ),
    "probability and distributions": Topic(
        share=8.5,
        interest=-4.0,
        tags=_counts("""probability 50 | distributions 34 | self-study 22 | normal-distribution 18
            | markov-process 7"""),
        methods=_phrases("""the law of total probability | a moment generating function | the central limit theorem
            | convolution | a Poisson approximation | Chebyshev's inequality | a copula | inverse sampling
            | conditioning on the first draw | Jensen's inequality"""),
        concepts=_phrases("""the joint density | the conditional expectation | the tail probability | independence
            | the variance of a sum | the order statistics | the waiting time | the characteristic function
            | the support of the density | the expected maximum"""),
        tasks=_phrases("""find the density of a ratio | compute $P(X > Y)$ | sum dependent variables
            | bound a tail probability | draw without replacement | find the expected waiting time
            | simulate correlated variables | show that two variables are independent | count the favourable cases"""),
        symptoms=_lines("""
            By hand I get 0.@d4, and a simulation of @big draws gives 0.@d4.
            The integral from 0 to @i does not converge.
            The book says that the answer is $@i/@n$.
            An urn holds @n red and @n blue balls, and @i are drawn.
            Let $X$ and $Y$ be independent with means @i and @n.
        """),
        formulas=_lines(r"""
            P(A \mid B) = \frac{P(B \mid A) P(A)}{P(B)}
            E[X] = \int_0^\infty P(X > t)\, dt
            f_{X+Y}(z) = \int f_X(x) f_Y(z - x)\, dx
            X \sim N(@i, @n)
            \mathrm{Var}(X + Y) = \mathrm{Var}(X) + \mathrm{Var}(Y) + 2\,\mathrm{Cov}(X, Y)
        """),
        code=(
            "x <- rnorm(@big, @i, 0.@d2)\nmean(x > 1 & x < @i)",
            "draws = [sum(rand() < 0.@d2 for _ in range(@n)) for _ in range(@big)]\nprint(mean(draws))",
        ),
        output="series",
        math_share=5,
    ),
    "hypothesis tests": Topic(
        share=9.0,
        interest=-3.7,
        tags=_counts("""hypothesis-testing 45 | statistical-significance 24 | t-test 22 | p-value 20
            | chi-squared-test 14 | multiple-comparisons 10 | confidence-interval 10"""),
        methods=_phrases("""a t-test | Welch's test | a permutation test | the χ² test | Fisher's exact test
            | the Mann–Whitney test | a Bonferroni correction | a sequential test | the Kolmogorov–Smirnov test
            | an equivalence test | McNemar's test"""),
        concepts=_phrases("""the p-value | the null hypothesis | the power | the effect size | the type I error
            | the degrees of freedom | the critical value | multiple testing | the one-sided alternative
            | the minimal sample size | the non-inferiority margin"""),
        tasks=_phrases("""compare two proportions | test for normality | compute the power
            | correct for @n comparisons | choose between a paired and an unpaired test | stop an A/B test early
            | combine p-values | report a null result | test whether two variances are equal"""),
        symptoms=_lines("""
            The p-value is 0.@d4 with all rows and 0.@d4 without the outliers.
            Group A has @n members and group B has @n.
            The test statistic is @i.@d3 on @n degrees of freedom.
            With @big visitors even a difference of 0.@d3 % is significant.
            Normality is rejected, p < 0.@d3, though the histogram looks fine.
        """),
        formulas=_lines(r"""
            H_0: \mu_1 = \mu_2
            t = \frac{\bar x_1 - \bar x_2}{s_p \sqrt{1/n_1 + 1/n_2}}
            \chi^2 = \sum_{ij} \frac{(O_{ij} - E_{ij})^2}{E_{ij}}
            p = 0.@d4 < \alpha
        """),
        code=(
            "t.test(@var ~ group, data = @data, var.equal = FALSE)\nwilcox.test(@var ~ group, data = @data)",
            "tab <- matrix(c(@n, @n, @n, @n), 2)\nchisq.test(tab)$p.value < 0.05",
        ),
        output="confusion",
        math_share=1,
    ),
    "analysis of variance and experiments": Topic(
        share=6.0,
        interest=-3.9,
        trend=-0.4,
        tags=_counts("""anova 48 | repeated-measures 20 | experiment-design 18 | multiple-comparisons 12 | r 8
            | statistical-significance 6"""),
        methods=_phrases("""a two-way ANOVA | repeated measures | Tukey's test | a Latin square | ANCOVA | MANOVA
            | a randomised block design | planned contrasts | type III sums of squares | a split-plot design
            | Levene's test"""),
        concepts=_phrases("""the interaction of the factors | sphericity | the treatment effect | the error term
            | the between-subject factor | the covariate | the baseline measurement | the cell means
            | unequal group sizes | the blocking factor"""),
        tasks=_phrases("""analyse a crossover trial | test simple effects | block an experiment
            | report an interaction | compare each group with the control | adjust for the baseline
            | plan the number of replicates | use nested factors | analyse a pre–post design"""),
        symptoms=_lines("""
            The F value of the interaction is @i.@d2, p = 0.@d3.
            Mauchly's test is significant with W = 0.@d3.
            Each of the @n subjects was measured @i times.
            Type I and type III sums of squares differ by @n %.
            One cell of the design holds only @i plants.
        """),
        formulas=_lines(r"""
            y_{ijk} = \mu + \alpha_i + \beta_j + (\alpha\beta)_{ij} + \varepsilon_{ijk}
            F = \frac{MS_{between}}{MS_{within}}
            \eta^2 = 0.@d3
        """),
        code=(
            "m <- aov(@var ~ treatment * time + Error(subject / time), data = @data)\nsummary(m)\ntukey(m)",
            "anova(lm(@var ~ block + dose, @data), lm(@var ~ block * dose, @data))",
        ),
        code_share=1,
    ),
    "mixed models": Topic(
        share=5.0,
        interest=-3.8,
        tags=_counts("""mixed-model 50 | lme4-nlme 28 | r 20 | repeated-measures 16"""),
        methods=_phrases("""a mixed model | a random intercept | random slopes | generalised estimating equations
            | restricted maximum likelihood | a fixed effects estimator | a growth curve model | crossed random effects
            | cluster-robust errors | a three-level model"""),
        concepts=_phrases("""the variance components | the random effects | the intraclass correlation
            | the singular fit | the correlation of intercept and slope | the nesting of schools
            | shrinkage of the groups | the denominator degrees of freedom | the convergence warning"""),
        tasks=_phrases("""specify crossed effects | test a random slope | get p-values from a mixed model
            | centre within groups | predict for a new group | simplify the random structure
            | compare fixed with random effects | model repeated visits | nest classes in schools"""),
        symptoms=_lines("""
            The variance of the random slope is estimated as 0.000@d2.
            The model fails to converge with max|grad| = 0.@d4.
            The intraclass correlation is 0.@d3 over @n schools.
            The correlation of intercept and slope is exactly -1.
            Groups with fewer than @i visits are pulled to the mean.
        """),
        formulas=_lines(r"""
            y_{ij} = \beta_0 + u_j + \beta_1 x_{ij} + \varepsilon_{ij}
            u_j \sim N(0, \tau^2)
            ICC = \frac{\tau^2}{\tau^2 + \sigma^2}
        """),
        code=(
            "m <- lmer(@var ~ @var + (1 + @var | subject), data = @data)\nsummary(m)\nranef(m)",
            "m0 <- update(m, . ~ . - @var)\nanova(m0, m)  # chi-squared @i.@d3",
        ),
        code_share=3,
    ),
    "Bayesian inference": Topic(
        share=5.0,
        interest=-2.1,
        trend=0.2,
        tags=_counts("""bayesian 50 | mcmc 20 | probability 10 | self-study 4 | r 4"""),
        methods=_phrases("""a Gibbs sampler | Hamiltonian Monte Carlo | a conjugate prior | variational inference
            | a hierarchical model | importance sampling | a Gaussian process | the Metropolis algorithm | Bayes factors
            | a particle filter | empirical Bayes"""),
        concepts=_phrases("""the posterior | the prior | the marginal likelihood | the effective sample size
            | the credible interval | the acceptance rate | the burn-in | the proposal distribution
            | the posterior predictive check | the covariance function | the evidence lower bound"""),
        tasks=_phrases("""choose a weakly informative prior | diagnose the chains | compute a Bayes factor
            | derive the full conditionals | update a belief with new data | sample from a truncated posterior
            | summarise a bimodal posterior | reparametrise a hierarchical model"""),
        symptoms=_lines("""
            The effective sample size of $\\tau$ is @n out of @big draws.
            The chains do not mix: $\\hat R$ is @i.@d2.
            The sampler reports @n divergent transitions.
            With a flat prior the interval is (@i.@d2, @n.@d2).
            The acceptance rate is 0.@d3 for any step size.
        """),
        formulas=_lines(r"""
            p(\theta \mid y) \propto p(y \mid \theta)\, p(\theta)
            \theta \sim \mathrm{Beta}(@i, @n)
            \log p(y) \ge E_q[\log p(y, \theta) - \log q(\theta)]
            k(x, x') = \exp(-(x - x')^2 / 2\ell^2)
        """),
        code=(
            "model {\n  @var ~ normal(0, @n);\n  y ~ bernoulli_logit(alpha + beta * @var);\n}",
            "for (t in 2:@big) {\n  prop <- theta[t - 1] + rnorm(1, 0, 0.@d2)\n"
            "  theta[t] <- if (runif(1) < ratio(prop)) prop else theta[t - 1]\n}",
        ),
        output="series",
        math_share=4,
    ),
    "survival analysis": Topic(
        share=3.0,
        interest=-3.5,
        tags=_counts("""survival 50 | cox-model 22 | r 12 | regression 5"""),
        methods=_phrases("""a Cox model | the Kaplan–Meier estimator | the log-rank test | a Weibull model
            | a competing risks model | a frailty model | landmark analysis | accelerated failure times
            | inverse probability weighting"""),
        concepts=_phrases("""the hazard ratio | censoring | the baseline hazard | proportional hazards
            | the median survival time | the concordance index | immortal time | the risk set
            | a time-varying covariate"""),
        tasks=_phrases("""test proportional hazards | include a time-varying covariate | compare survival curves
            | handle left truncation | predict a survival probability | treat death as a competing risk
            | compute person-years"""),
        symptoms=_lines("""
            The hazard ratio is @i.@d2 with a 95 % interval from 0.@d2 to @i.@d2.
            Only @n of the @big patients had the event.
            The curves cross after @n months.
            The test of proportional hazards gives p = 0.@d4 for `@var`.
            More than half of the times are censored at day @n.
        """),
        formulas=_lines(r"""
            h(t \mid x) = h_0(t)\, e^{\beta^\top x}
            \hat S(t) = \prod_{t_i \le t}\left(1 - \frac{d_i}{n_i}\right)
            S(t) = \exp\{-(\lambda t)^{@i}\}
        """),
        code=(
            "fit <- coxph(Surv(time, status == @i) ~ @var + strata(@var), data = @data)\nsummary(fit)",
            "km <- survfit(Surv(time, status) ~ arm, data = @data)\nprint(km, times = @n)",
        ),
        code_share=2,
    ),
    "estimation theory": Topic(
        share=6.0,
        interest=-3.3,
        tags=_counts("""mathematical-statistics 40 | maximum-likelihood 30 | estimation 24 | self-study 22
            | confidence-interval 12 | bootstrap 10 | probability 8 | normal-distribution 7"""),
        methods=_phrases("""maximum likelihood | the method of moments | the delta method | the bootstrap
            | the jackknife | the Cramér–Rao bound | a sufficient statistic | the likelihood ratio | Slutsky's theorem
            | the Rao–Blackwell theorem | M-estimation"""),
        concepts=_phrases("""the Fisher information | the bias of the estimator | consistency | the score function
            | asymptotic normality | the sampling distribution | the coverage of the interval | completeness
            | the efficiency | identifiability"""),
        tasks=_phrases("""find the maximum likelihood estimator | show that an estimator is unbiased
            | derive the asymptotic variance | prove consistency | find a sufficient statistic
            | build an exact interval | bootstrap a median | invert a likelihood ratio test"""),
        symptoms=_lines("""
            My expression differs from the one in the book by a factor of $n/(n-@i)$.
            In @big simulations the interval covers the true value 0.@d3 of the time.
            The second derivative is positive at 0.@d4.
            Let $X_1, \\dots, X_n$ be a random sample from a density with parameter $\\theta$.
            The bootstrap interval is (0.@d3, @i.@d3).
        """),
        formulas=_lines(r"""
            \ell(\theta) = \sum_{i=1}^{n} \log f(x_i; \theta)
            \sqrt n(\hat\theta - \theta) \to N(0, I(\theta)^{-1})
            \mathrm{Var}(\hat\theta) \ge \frac{1}{n I(\theta)}
            s^2 = \frac{1}{n-1}\sum_i (x_i - \bar x)^2
            \hat\theta = \max_i X_i
        """),
        code=(
            "nll <- function(p) -sum(dgamma(x, p[1], p[2], log = TRUE))\noptim(c(@i, 0.@d2), nll)$par",
            "boot <- replicate(@big, median(sample(x, replace = TRUE)))\nquantile(boot, c(0.025, 0.975))",
        ),
        output="series",
        math_share=5,
    ),
    "correlation and causality": Topic(
        share=5.0,
        interest=-2.7,
        tags=_counts("""correlation 45 | causality 22 | econometrics 14 | regression 10"""),
        methods=_phrases("""Pearson's correlation | Spearman's ρ | Kendall's τ | propensity score matching
            | an instrumental variable | difference in differences | a path model | partial correlation
            | multiple imputation | a regression discontinuity | a causal graph"""),
        concepts=_phrases("""confounding | the mediator | the back-door path | the correlation matrix
            | spurious correlation | the average treatment effect | missing at random | the exclusion restriction
            | measurement error | the parallel trends"""),
        tasks=_phrases("""compare two correlations | adjust for a confounder | impute missing values
            | test a mediation | average correlations | estimate a treatment effect | find a valid instrument
            | correlate a binary with a continuous variable"""),
        symptoms=_lines("""
            The correlation of `@var` and `@var` is 0.@d3, but the partial correlation is -0.@d3.
            About @n % of the values of `@var` are missing.
            After matching, @n pairs remain of @big.
            Kendall's τ is 0.@d3 where Pearson's $r$ is 0.@d3.
            The effect vanishes when I adjust for `@var`.
        """),
        formulas=_lines(r"""
            r = \frac{\sum (x_i - \bar x)(y_i - \bar y)}{(n-1) s_x s_y}
            ATE = E[Y(1) - Y(0)]
            z = \tfrac12 \log\frac{1+r}{1-r}
        """),
        code=(
            'cor.test(@data$@var, @data$@var, method = "spearman")\npairs(@data[, 1:@i])',
            "m <- match(treated ~ @var + @var, data = @data, caliper = 0.@d2)\nbalance(m)",
        ),
        output="matrix",
    ),
    "description and sampling": Topic(
        share=4.0,
        interest=-2.9,
        tags=_counts("""data-visualization 24 | sampling 24 | descriptive-statistics 22 | outliers 16
            | distributions 8 | r 8 | data-mining 4"""),
        methods=_phrases("""a box plot | stratified sampling | a weighted mean | the median | a histogram
            | survey weights | the interquartile range | a z-score | a Likert scale | the geometric mean
            | a kernel density estimate"""),
        concepts=_phrases("""the outliers | the standard deviation | the response rate | the skewness
            | the bin width | the weights of the strata | the rounding of the percentages | the overlap of the bars
            | the finite population correction | the coefficient of variation"""),
        tasks=_phrases("""average percentages | spot an outlier | weight a survey | plot @n groups at once
            | draw a stratified sample | summarise skewed data | combine standard deviations
            | normalise scores between 0 and 100 | choose the bins of a histogram"""),
        symptoms=_lines("""
            The mean is @n.@d2, the median is @i.@d2 and the largest value is @big.
            Only @n of @big people answered the questionnaire.
            The standard deviation is larger than the mean: @n.@d2 against @i.@d2.
            Half of the answers are 'agree' or 'strongly agree'.
            In @year the question was worded in another way.
        """),
        formulas=_lines(r"""
            \bar x_w = \frac{\sum_i w_i x_i}{\sum_i w_i}
            z = \frac{x - \mu}{\sigma}
            n = \frac{N}{1 + N e^2}
        """),
        code=(
            "boxplot(@var ~ group, data = @data)\nquantile(@data$@var, 0.@d2)",
            "=AVERAGE(B2:B@n) / STDEV(B2:B@n)",
        ),
        output="series",
    ),
}

# Two registers, that is, ways of speaking which any topic can slip into. A question that is much about machine
# learning has more sentences in the first one. A register has no questions and no tags of its own.
REGISTERS: Mapping[str, Topic] = {
    "learning": Topic(
        share=0.0,
        interest=0.0,
        tags={},
        methods=_phrases("""a supervised learner | a predictive model | a trained model | a baseline model
            | a pre-trained model | a machine learning model | a black-box predictor | feature engineering
            | one-hot encoding | data augmentation | online learning | semi-supervised learning
            | a machine learning pipeline
            | machine learning | a weak learner | a large training set"""),
        concepts=_phrases("""the training set | the test set | the validation set | the features | the labels
            | the loss function | the training error | the generalisation to unseen examples | the inference time
            | the feature space | the ground truth | the instances of each class | the hyper-parameters
            | the model capacity | the annotation of the examples"""),
        tasks=_phrases("""train a model on these features | improve the predictions | label more training examples
            | encode the categorical features | deploy the trained model | normalise the input features
            | predict the target for unseen instances | speed up the training | learn a good representation
            | retrain the model every week | engineer better features"""),
        symptoms=_lines("""
            The trained model reaches 0.@d3 on the training set and 0.@d3 on the test set.
            There are @n features and @big training examples.
            My learning curve is flat after @big examples.
            I am new to machine learning, so please bear with me.
            Every machine learning course I found skips this step.
            Training takes @n minutes, and predicting one instance @i ms.
            The labels come from annotators, and about @n % of them are wrong.
            In production the predictions are worse than on my validation set.
        """),
        formulas=_lines(r"""
            \hat f = \arg\min_{f \in \mathcal F} \frac{1}{n}\sum_{i=1}^{n} L(y_i, f(x_i))
            \mathcal D = \{(x_i, y_i)\}_{i=1}^{@big}
        """),
        code=(
            "X_train, X_test, y_train, y_test = split(X, y, test=0.@d2, seed=@n)\nmodel.fit(X_train, y_train)\n"
            "print(model.score(X_test, y_test))",
            "features = ['@var', '@var', '@var']\nmodel = Learner(seed=@n).fit(@data[features], @data['label'])",
        ),
    ),
    "statistics": Topic(
        share=0.0,
        interest=0.0,
        tags={},
        methods=_phrases("""a statistical test | a parametric model | a simple summary | a standard textbook method
            | an approximation | a sensitivity analysis | a simulation study | a classical analysis
            | the usual formula | a confirmatory analysis | a pilot study"""),
        concepts=_phrases("""the population | the sample | the parameter | the assumption of normality
            | the uncertainty of the estimate | statistical significance | the observations | the sampling error
            | the confidence level | the study design | the response variable | the explanatory variables"""),
        tasks=_phrases("""draw a conclusion about the population | report the uncertainty | check the assumptions
            | estimate the parameter | justify the sample size | describe the sample | write the methods section
            | satisfy a reviewer | quantify the effect | replicate a published result"""),
        symptoms=_lines("""
            The sample has @n observations, of which @i are missing.
            The 95 % confidence interval runs from 0.@d2 to @i.@d2.
            A reviewer asks for a justification of the sample size.
            The estimate is @i.@d3 and its standard error 0.@d3.
            My supervisor says that the assumption of normality is violated.
            The effect is significant at the @i % level only.
            In the population the proportion is known to be 0.@d3.
            I took one statistics class @i years ago and remember little of it.
        """),
        formulas=_lines(r"""
            \bar x \pm z_{1-\alpha/2} \frac{s}{\sqrt n}
            \mu = @n.@d2
        """),
        code=(
            "summary(@data$@var)\nsd(@data$@var, na.rm = TRUE)",
            "ci <- mean(x) + c(-1, 1) * 1.96 * sd(x) / sqrt(@n)",
        ),
    ),
}

TAGS: tuple[str, ...] = tuple(sorted({TARGET_TAG, *(tag for topic in TOPICS.values() for tag in topic.tags)}))
"""Every tag of the simulated site."""
