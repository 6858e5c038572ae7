const causes: readonly (readonly [RegExp, string])[] = [
  [
    /^bernoulli/i,
    "The mean of a Bernoulli likelihood is the probability of each pixel to be 1: where pixels are uncertain given z, it is grey.",
  ],
  [
    /^(normal|gaussian)/i,
    "The mean that a Normal likelihood rewards is the least-squares one: the average of all images that share a z.",
  ],
  [
    /logistic/i,
    "A discretised logistic likelihood gives each pixel one peak, in the middle of the grey levels of all images that share a z.",
  ],
];

/** Where the blur of means comes from, and why draws do not mend it; the likelihood by its name, such as "Bernoulli, …". */
export function blurExplained(likelihood = ""): string {
  const cause =
    causes.find(([name]) => name.test(likelihood))?.[1] ??
    "The mean of p(x|z) is the average of the images that share a z, as far as the likelihood takes its pixels to be independent.";
  return (
    `Why means are blurred: the code z does not hold all of an image, so edges and texture lie a little differently in each ` +
    `image with the same z. ${cause} An average of sharp images in slightly different places is a blurred one. A draw ` +
    "x ~ p(x|z) puts each pixel's noise back, but each pixel's by itself: grain, not detail."
  );
}
