/** Text of strangers that keeps to its line: it may hold line ends and what a terminal takes for commands. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');
}
