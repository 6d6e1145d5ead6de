/** Every limit of the chain connection; times in milliseconds. A test, or a local chain, may set others. */
export type ConnectionLimits = Readonly<{ [Name in keyof typeof DEFAULT_LIMITS]: number }>;

export const DEFAULT_LIMITS = {
  /** Back-off after the first failure, and the longest one: a fleet of validators shares the public nodes. */
  firstRetryMs: 1_000,
  longestRetryMs: 120_000,

  /** Between two handshakes with one endpoint. */
  handshakeSpacingMs: 10_000,
  /**
   * An endpoint is asked `handshakeBurst` times at once and then every `handshakeRefillMs`, so however it
   * fails it sees at most 8 + 60 / 5 = 20 handshakes in an hour.
   */
  handshakeBurst: 8,
  handshakeRefillMs: 300_000,

  /** HTTP 429 says that we, or others behind our address, ask too much: to ask again at once makes it worse. */
  rateLimitRestMs: 300_000,
  /** Rest from the `rateLimitPatience`-th refusal in a row on. */
  rateLimitPatience: 3,
  rateLimitLongRestMs: 900_000,
  /** Another network behind the address is a mistake in the configuration, which time seldom mends. */
  foreignRestMs: 600_000,
  /** A connection that was lost sooner says nothing good about its endpoint: the back-off grows on. */
  stableAfterMs: 600_000,

  /** From the first packet to the open socket, TLS included. */
  handshakeTimeoutMs: 10_000,
  /** The read deadline of every call: a node answers the heaviest one within a second or two. */
  callTimeoutMs: 15_000,
  /**
   * So many calls in a row that fail are no hiccup: the node's heads are of no use without its answers. As
   * each waits for its deadline, a node that hangs is left after a minute or two.
   */
  failingCalls: 5,
  /** Five blocks: from then on an open socket without a new head is dead, and a finalised head is old. */
  silenceMs: 60_000,

  /**
   * A node whose blocks go on without becoming final is kept, for the whole network may have that trouble;
   * after so long another endpoint, if there is one, is asked.
   */
  finalityPatienceMs: 600_000,

  /** Honest nodes differ by a block or two of finality; one that is further behind is not in sync. */
  staleBlocks: 10,
  /**
   * The finalised head is at most `leapBlocks` above the first one that was seen, and as many more as
   * blocks of `blockMs` were built since. A chain for development may run as fast as it can, and be away
   * for a week of usual blocks.
   */
  leapBlocks: 50_400,
  blockMs: 1,
  /** So long a head that does not advance and that one node contradicts is held, before the node is believed. */
  doubtMs: 3_600_000,
} as const;

/**
 * On Finney no block comes sooner than 12 s after the one before. Its finality may have stood for two hours
 * when the first head was seen.
 */
export const FINNEY_LIMITS: Pick<ConnectionLimits, 'leapBlocks' | 'blockMs'> = {
  leapBlocks: 600,
  blockMs: 12_000,
};
