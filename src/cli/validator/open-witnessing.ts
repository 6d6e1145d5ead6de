import type { Verify } from '../../consensus/keys.ts';
import type { Fetch, Post } from '../../handlers/ask-peers.ts';
import { createWitnessing, keepWitnessed } from '../../handlers/ask-witnesses.ts';
import { type CosignDeps, createWitness } from '../../handlers/cosign-checkpoint.ts';
import { cosignerName } from '../../merkle/cosignature.ts';
import { now, wait } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { LogFiles } from '../../sequencer/log-files.ts';
import type { Sequencer } from '../../sequencer/sequencer.ts';
import type { WitnessState } from '../../sequencer/witness.ts';
import type { OwnLogName } from './ask-outside.ts';
import type { CurrentVoters } from './current-voters.ts';

export type WitnessingSite = Readonly<{
  sequencer: Sequencer;
  files: LogFiles;
  state: WitnessState;
  witnessSeed: Uint8Array;
  voters: CurrentVoters;
  fetch: Fetch;
  post: Post;
  verify: Verify;
  onFork: CosignDeps['onFork'];
  logger: Logger;
  signal: AbortSignal;
}>;

/**
 * Both sides of witnessing: this validator cosigns its peers' checkpoints, and has its own cosigned. `ended`
 * rejects with `log.forked` when a peer shows that another machine signs this log.
 */
export function openWitnessing(log: OwnLogName, site: WitnessingSite) {
  const { sequencer, files, state, witnessSeed, voters, logger, signal, ...asking } = site;
  const { genesis, netuid, hotkey, source } = log;
  const witness = createWitness(
    { genesis, netuid, name: cosignerName(log), seed: witnessSeed },
    { state, voters: voters.hotkeys, verify: asking.verify, now, onFork: asking.onFork },
  );
  const witnessing = createWitnessing(
    { genesis, netuid, hotkey, source, published: sequencer.published, files },
    {
      ...asking,
      signal,
      peers: voters.peers,
      addCosignatures: sequencer.addCosignatures,
      onAnswer: (peer, refusal) => logger.debug({ peer, refusal }, 'asked to cosign'),
    },
  );
  const ended = keepWitnessed(witnessing, {
    wait: (ms) => wait(ms, signal),
    signal,
    onFailure: (error) =>
      logger.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'a round of witnesses failed',
      ),
  });
  ended.catch(() => undefined); // whoever awaits it hears of it
  return { ...witness, witnesses: witnessing.known, ended };
}
