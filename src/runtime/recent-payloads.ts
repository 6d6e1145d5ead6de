/** What was stored last: whoever follows it in the same process need not be sent it by the server. */
export type RecentPayloads = Readonly<{
  /** Keeps what was just stored from position `from` on. */
  keep: (payloads: readonly Uint8Array[], from: number) => void;
  /** At most `limit` payloads from a position on; none where the first of them is not kept. */
  from: (position: number, limit: number) => readonly Uint8Array[];
}>;

/** Half a second of the most that a service writes: who is further behind asks the server, in larger batches. */
export const MAX_KEPT_BYTES = 2 * 1024 * 1024;

/** Keeps the newest payloads without a gap, of so many bytes at most. */
export function recentPayloads(): RecentPayloads {
  let first = 0;
  let kept: Uint8Array[] = [];
  let bytes = 0;
  return {
    keep: (payloads, from) => {
      if (from !== first + kept.length) [first, kept, bytes] = [from, [], 0];
      for (const payload of payloads) {
        kept.push(payload);
        bytes += payload.length;
      }
      let forgotten = 0;
      for (; bytes > MAX_KEPT_BYTES; forgotten++) bytes -= kept[forgotten]?.length ?? 0;
      kept.splice(0, forgotten);
      first += forgotten;
    },
    from: (position, limit) =>
      position < first ? [] : kept.slice(position - first, position - first + limit),
  };
}
