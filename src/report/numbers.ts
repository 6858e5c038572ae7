/** A number as a paper prints it: at most four significant digits, −240.8, or exactly the given number of decimals. */
export function formatNumber(value: number, decimals?: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text =
    decimals === undefined && value !== 0 && Math.abs(value) < 1e-4
      ? value.toExponential(1)
      : value.toLocaleString("en-US", {
          minimumFractionDigits: decimals ?? 0,
          maximumFractionDigits: decimals ?? Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value) || 1))),
          signDisplay: "negative",
        });
  return text.replaceAll("-", "−");
}

/** A number and its standard error, the error to two digits and the number to the same place: 238.3 ± 2.4. */
export function formatWithError(value: number, error: number | undefined): string {
  if (error === undefined || !Number.isFinite(value)) return formatNumber(value);
  if (!(error >= 1e-4 && error < Infinity)) return `${formatNumber(value)} ± ${formatNumber(error)}`;
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(error)));
  return `${formatNumber(value, decimals)} ± ${formatNumber(error, decimals)}`;
}
