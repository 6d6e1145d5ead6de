import { openConnection } from '#src/chain/connection.ts';
import { connectNode } from '#src/chain/connection-session.ts';
import { sendExtrinsic } from '#src/chain/send.ts';
import { signCall } from '#src/chain/sign-call.ts';
import { NETUID } from '#src/cli/subnet/cast.ts';
import { commitmentPayload } from '#src/consensus/commitment.ts';
import type { Signer } from '#src/consensus/keys.ts';
import type { SignedDocument } from '#src/consensus/signed.ts';
import { wait } from '#src/runtime/clock.ts';
import type { LiveChain } from './live-chain.ts';
import { until } from './live-until.ts';

/** A report with the key of its author. */
export type Authored = Readonly<{ signer: Signer; document: SignedDocument }>;

/**
 * Commits to each report by an extrinsic of its author's own key, over one connection. Each is checked
 * and signed as a validator does it; what the chain does not take is thrown.
 */
export async function commitAll(
  reports: readonly Authored[],
  run: string,
  { url, genesisHash: genesis }: LiveChain,
): Promise<void> {
  await using connection = openConnection(
    { endpoints: [url], genesis },
    {
      now: () => performance.now(),
      random: () => 0.5,
      wait,
      connect: connectNode,
      signal: new AbortController().signal,
    },
  );
  await until("the crowd's connection", () => connection.head().known);
  for (const { signer, document } of reports) {
    const own = { netuid: NETUID, hotkey: signer.hotkey, versionKey: 0n, genesis };
    const fields = [commitmentPayload(run, document.body)];
    const sent = await connection.withApi(async (link) => {
      const signing = await signCall({ kind: 'commitment', fields }, own, {
        link,
        signer,
        // A commitment is not encrypted.
        random: () => new Uint8Array(),
      });
      if (!signing.known || signing.value.kind === 'refused') return signing;
      return sendExtrinsic(signing.value.extrinsic, { link });
    });
    const taken = sent.known && 'kind' in sent.value && sent.value.kind === 'sent';
    if (!taken) throw new Error(`${signer.hotkey} did not commit: ${JSON.stringify(sent)}`);
  }
}
