/** A provider of models, as the operator configured it. */
export type Provider = Readonly<{
  name: string;
  /** The models that it is asked for; null where it is asked for any that has a price. */
  models: readonly string[] | null;
  /** Models without a price are asked for as well: what they cost is unknown. */
  unpriced: boolean;
}>;

/** What came of asking a provider. */
export type ProviderAnswer =
  /** A whole answer, or the parts of a stream as they come. */
  | Readonly<{ kind: 'answered'; body: unknown }>
  | Readonly<{ kind: 'streaming'; parts: AsyncIterable<Uint8Array> }>
  /** It said no: it charges nothing for that. `status` is its own. */
  | Readonly<{ kind: 'refused'; status: number; detail: string }>
  /** It was asked, and no whole answer came: whether it charges is unknown. */
  | Readonly<{ kind: 'broken'; detail: string }>
  /** It was not reached at all. */
  | Readonly<{ kind: 'unreachable'; detail: string }>;

/**
 * Asks a provider by name, in the form of OpenAI's chat completions, until the signal aborts. Never throws for the other
 * side's faults.
 */
export type AskProvider = (
  provider: string,
  payload: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<ProviderAnswer>;
