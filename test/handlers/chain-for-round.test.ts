import { expect, test } from 'vitest';
import type { Call, Chain, Extrinsic, Known, Sending } from '#src/chain/chain.ts';
import type { UnknownReason } from '#src/events/snapshot.ts';
import { chainForRound } from '#src/handlers/chain-for-round.ts';

const CALL: Call = { kind: 'commitment', fields: ['text'] };
const EXTRINSIC: Extrinsic = {
  call: 'Commitments.set_commitment',
  hash: '',
  bytes: '',
  nonce: 0,
  birth: 1,
  death: 65,
  reveal: null,
};

/** A chain whose every answer takes so long and is unknown, and what was asked of it. */
function unknownChain(answer: { tookMs: number; reason: UnknownReason; sending?: Sending }) {
  const asked: string[] = [];
  let ms = 0;
  const reply = <T>(what: string, value: T) => {
    asked.push(what);
    ms += answer.tookMs;
    return Promise.resolve(value);
  };
  const unknown: Known<never> = { known: false, reason: answer.reason, detail: 'no answer' };
  const sending = answer.sending ?? { kind: 'unknown', detail: 'no answer' };
  const chain: Chain = {
    netuid: 36,
    genesis: '',
    finalizedBlock: () => reply('finalizedBlock', unknown),
    metagraph: () => reply('metagraph', unknown),
    commitments: () => reply('commitments', unknown),
    latestCommitments: () => reply('latestCommitments', unknown),
    commitmentExtrinsics: () => reply('commitmentExtrinsics', unknown),
    commitmentProof: () => reply('commitmentProof', unknown),
    sign: () => reply('sign', unknown),
    trace: () => reply('trace', unknown),
    weightsOf: () => reply('weightsOf', unknown),
    send: () => reply('send', sending),
  };
  const now = () => new Date(ms).toISOString();
  return { asked, ofRound: () => chainForRound(chain, { now }) };
}

/** Asks everything once, `send` first; the answers in a row. */
async function askAll(chain: ReturnType<typeof chainForRound>) {
  return [
    await chain.send(EXTRINSIC),
    await chain.metagraph(7),
    await chain.commitments([], { after: 1, upTo: 2 }),
    await chain.latestCommitments([]),
    await chain.commitmentExtrinsics('hotkey', [1]),
    await chain.commitmentProof('hotkey', 1),
    await chain.sign(CALL),
    await chain.trace(EXTRINSIC),
    await chain.weightsOf('hotkey'),
  ];
}

const READS = [
  'metagraph',
  'commitments',
  'latestCommitments',
  'commitmentExtrinsics',
  'commitmentProof',
  'sign',
  'trace',
  'weightsOf',
];

test('one answer that did not come leaves the rest of the round unasked and unknown', async () => {
  const { asked, ofRound } = unknownChain({ tookMs: 15_000, reason: 'unavailable' });
  const chain = ofRound();
  expect(await chain.metagraph(7)).toMatchObject({ detail: 'no answer' });
  const detail = 'not asked again in this round: no answer';
  expect(await askAll(chain)).toEqual([
    { kind: 'unknown', detail },
    ...READS.map(() => ({ known: false, reason: 'unavailable', detail })),
  ]);
  expect(asked).toEqual(['metagraph']);
  await ofRound().trace(EXTRINSIC);
  expect(asked).toEqual(['metagraph', 'trace']);
});

test('a node that hangs in a submission is not asked again either', async () => {
  const { asked, ofRound } = unknownChain({ tookMs: 15_000, reason: 'unavailable' });
  await askAll(ofRound());
  expect(asked).toEqual(['send']);
});

test('many slow refusals cost no more than one answer that did not come', async () => {
  const { asked, ofRound } = unknownChain({ tookMs: 2_000, reason: 'unavailable' });
  await askAll(ofRound());
  expect(asked).toEqual(['send', 'metagraph', 'commitments']);
});

test('what is refused at once, and what is an answer however late, keeps nothing from being asked', async () => {
  const sending: Sending = { kind: 'sent' };
  for (const answer of [
    { tookMs: 100, reason: 'unavailable' },
    { tookMs: -60_000, reason: 'unavailable' },
    { tookMs: 15_000, reason: 'malformed', sending },
    { tookMs: 15_000, reason: 'not-final', sending },
  ] as const) {
    const { asked, ofRound } = unknownChain(answer);
    await askAll(ofRound());
    expect([answer, asked]).toEqual([answer, ['send', ...READS]]);
  }
});
