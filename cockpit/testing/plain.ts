/** A text with plain spaces in place of no-break ones: expectations stay readable. */
export function plain(text: string): string {
  return text.replace(/[\u00a0\u202f]/g, ' ');
}
