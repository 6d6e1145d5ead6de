import type { Chain, Known } from '../chain/chain.ts';

/**
 * So long in all a run waits in one round for answers that do not come: less than one read's time-out,
 * so that it costs one of them at most. What a node refuses at once, a state that it forgot for example,
 * costs nothing, and keeps nothing else from being asked.
 */
const OUTAGE_MS = 5_000;

/**
 * The chain for one run in one round. A node that hangs would cost a time-out for each thing that the run
 * asks, and blocks would pass meanwhile: after the first one the rest is answered as unknown without being
 * asked. The next run asks anew, so that one answer that never comes does not silence the others' for ever.
 * Unknown for another reason than `unavailable` is an answer. `now` gives RFC 3339.
 */
export function chainForRound(
  chain: Chain,
  { now }: Readonly<{ now: () => string }>,
): Omit<Chain, 'finalizedBlock'> {
  let waitedMs = 0;
  let outage: string | null = null;
  /** `outageOf` tells an answer's outage, and null of any other answer. */
  const bounded =
    <Args extends readonly unknown[], Answer>(
      ask: (...args: Args) => Promise<Answer>,
      outageOf: (answer: Answer) => string | null,
      unasked: (detail: string) => Answer,
    ) =>
    async (...args: Args): Promise<Answer> => {
      if (outage !== null) return unasked(`not asked again in this round: ${outage}`);
      const from = Date.parse(now());
      const answer = await ask(...args);
      const detail = outageOf(answer);
      // The clock may be set back meanwhile.
      if (detail !== null) waitedMs += Math.max(0, Date.parse(now()) - from);
      if (waitedMs >= OUTAGE_MS) outage = detail;
      return answer;
    };
  const read = <Args extends readonly unknown[], T>(ask: (...args: Args) => Promise<Known<T>>) =>
    bounded<Args, Known<T>>(
      ask,
      (answer) => (answer.known || answer.reason !== 'unavailable' ? null : answer.detail),
      (detail) => ({ known: false, reason: 'unavailable', detail }),
    );
  return {
    netuid: chain.netuid,
    genesis: chain.genesis,
    metagraph: read(chain.metagraph),
    commitments: read(chain.commitments),
    latestCommitments: read(chain.latestCommitments),
    commitmentExtrinsics: read(chain.commitmentExtrinsics),
    commitmentProof: read(chain.commitmentProof),
    sign: read(chain.sign),
    trace: read(chain.trace),
    weightsOf: read(chain.weightsOf),
    send: bounded(
      chain.send,
      (sending) => (sending.kind === 'unknown' ? sending.detail : null),
      (detail) => ({ kind: 'unknown', detail }),
    ),
  };
}
