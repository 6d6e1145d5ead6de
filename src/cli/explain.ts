/** The message of an error, with those of its causes that say more. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.trim();
  if (error.cause === undefined) return message;
  const cause = explain(error.cause);
  return message.includes(cause) ? message : `${message} (${cause})`;
}
