/** A number as a paper prints it: at most four significant digits, −240.8, or exactly the given number of decimals. */
export function formatNumber(value: number, decimals?: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text =
    decimals === undefined && value !== 0 && Math.abs(value) < 1e-4
      ? value.toExponential(1)
      : numberFormat(decimals ?? 0, decimals ?? Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value) || 1)))).format(
          value,
        );
  return text.replaceAll("-", "−");
}

const formats = new Map<string, Intl.NumberFormat>();

/** From so many to so many decimals; making one takes far longer than using it. */
function numberFormat(minimumFractionDigits: number, maximumFractionDigits: number): Intl.NumberFormat {
  const key = `${minimumFractionDigits} ${maximumFractionDigits}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat("en-US", {
    minimumFractionDigits,
    maximumFractionDigits,
    signDisplay: "negative",
  });
  formats.set(key, made);
  return made;
}

/** A number and its standard error, the error to two digits and the number to the same place: 238.3 ± 2.4. */
export function formatWithError(value: number, error: number | undefined): string {
  if (error === undefined || !Number.isFinite(value)) return formatNumber(value);
  if (!(error >= 1e-4 && error < Infinity)) return `${formatNumber(value)} ± ${formatNumber(error)}`;
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(error)));
  return `${formatNumber(value, decimals)} ± ${formatNumber(error, decimals)}`;
}
