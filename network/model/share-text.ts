/** A share, 0 to 1, in percent: "98.91 %". */
export function shareText(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
