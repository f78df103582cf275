/** P(X ≤ most) of a binomial distribution. */
const binomialUpTo = (most: number, n: number, p: number): number => {
  let sum = 0
  let logChoose = 0
  for (let k = 0; k <= most; k++) {
    if (k > 0) logChoose += Math.log((n - k + 1) / k)
    sum += Math.exp(logChoose + k * Math.log(p) + (n - k) * Math.log1p(-p))
  }
  return sum
}

/**
 * How many times larger the rate behind the first count is than the one behind the second, at least, with 95 % confidence
 * (one-sided, exact: given their sum, one of two Poisson counts is binomial; Clopper and Pearson 1934).
 */
export const ratioAtLeast = (larger: number, smaller: number): number => {
  const n = larger + smaller
  let low = 0
  let high = 1
  // The largest share of the smaller one under which so few would still be seen in one of twenty cases.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (binomialUpTo(smaller, n, middle) > 0.05) low = middle
    else high = middle
  }
  return (1 - high) / high
}
