import { expect, test } from 'vitest';
import type { Chain, Known, Metagraph } from '#src/chain/chain.ts';
import { askOutside } from '#src/cli/validator/ask-outside.ts';
import { currentVoters } from '#src/cli/validator/current-voters.ts';
import { logSource } from '#src/events/source.ts';
import { HYPERPARAMETERS } from '../../support/simulated-chain.ts';

const owner = { genesis: 'ab'.repeat(32), netuid: 36, hotkey: 'self', generation: 0 };
const log = { ...owner, source: logSource(owner) };

const NOBODY_VOTES: Metagraph = {
  block: 100,
  blockHash: 'cd'.repeat(32),
  neurons: [],
  ownerHotkey: null,
  hyperparameters: HYPERPARAMETERS,
};

function asking(metagraph: () => Known<Metagraph>) {
  const chain: Pick<Chain, 'finalizedBlock' | 'metagraph' | 'latestCommitments'> = {
    finalizedBlock: async () => ({ known: true, value: 100 }),
    metagraph: async () => metagraph(),
    latestCommitments: async () => ({ known: true, value: [] }),
  };
  return askOutside(log, {
    chain,
    voters: currentVoters(chain, 'self'),
    fetch: async () => ({ kind: 'refused', reason: 'unreachable', detail: 'nobody answers' }),
    verify: () => false,
    signal: new AbortController().signal,
  });
}

test('while the chain does not tell who votes it is not known what the world knows, whatever the slot holds', async () => {
  let answer: Known<Metagraph> = { known: false, reason: 'unavailable', detail: 'no node answers' };
  const ask = asking(() => answer);
  expect(await ask()).toMatchObject({ anchor: { known: false }, witnessed: [] });
  answer = { known: true, value: NOBODY_VOTES };
  expect(await ask()).toEqual({ anchor: { known: true, value: null }, witnessed: [] });
});
