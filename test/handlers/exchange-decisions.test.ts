import { expect, test } from 'vitest';
import { buildCertificate } from '#src/consensus/certificate.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { type DecisionRecord, type Outcome, STATEMENT_TYPE } from '#src/events/decision.ts';
import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import {
  type DecisionExchange,
  exchangeDecisions,
  signDecision,
} from '#src/handlers/exchange-decisions.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import { simulatedHistory } from '../support/simulated-history.ts';
import { RULES } from '../support/simulated-subnet.ts';

const at = { family: 'general_chat', run: 'run-7' };
const network = { genesis: sha256('genesis'), netuid: 36 };
const NAMES = ['me', 'a', 'b', 'c', 'd'];
const SELF = hotkeyOf('me');

const OURS: Outcome = {
  ...at,
  ...network,
  v: 'eirel/outcome/1',
  rules: 'swm/1',
  roster: sha256('roster'),
  open: { known: true, block: 20, blockHash: sha256('block'), digest: sha256('snapshot') },
  kind: 'hold',
  reason: 'quorum-missed',
  winner: null,
  vector: null,
  targetBlock: 32,
};
const THEIRS: Outcome = {
  ...OURS,
  kind: 'winner',
  reason: 'first-winner',
  winner: { hotkey: hotkeyOf('m1x'), uid: 5, registeredAt: 1 },
  vector: [{ uid: 5, weight: 65_535 }],
};
const DECISION: DecisionRecord = {
  ...at,
  inputs: sha256('inputs of me'),
  quorum: { reported: '0', total: '5', coldkeys: 0, reached: false },
  medians: [],
  incumbent: null,
  outcome: OURS,
};

/** Five voters of one stake each: four of them make a certificate. */
const VOTERS = NAMES.map((name, uid) => ({
  hotkey: hotkeyOf(name),
  coldkey: hotkeyOf(`${name}funds`),
  uid,
  stake: '1',
  axon: `http://${name}.test`,
}));

function statementOf(name: string, outcome: Outcome = OURS, changes: { run?: string } = {}) {
  const hotkey = hotkeyOf(name);
  const inputs = sha256(`inputs of ${name}`);
  const body = buildStatement({
    ...network,
    ...at,
    hotkey,
    inputs,
    outcome: digestOf(outcome),
    ...changes,
  });
  const document = signDocument(STATEMENT_TYPE, body, fakeSigner(hotkey));
  return {
    document,
    held: { hotkey, body, signature: document.signature, outcome: digestOf(outcome) },
  };
}

type Documents = readonly ReturnType<typeof statementOf>[];

function certificateOf(outcome: Outcome, names: readonly string[]): Uint8Array {
  const built = buildCertificate({
    outcome,
    statements: names.map((name) => statementOf(name, outcome).held),
    voters: VOTERS,
    quorum: { num: 0, den: 1 },
  });
  return built.kind === 'short' ? new Uint8Array() : encodeBytes(built.certificate);
}

/** A round; each peer serves these statements, and these bytes as its certificate. */
async function round(
  serves: Readonly<Record<string, Documents>>,
  certificates: Readonly<Record<string, Uint8Array>> = {},
  changes: Partial<DecisionExchange> = {},
) {
  const recorded: DomainEvent[] = [];
  const asked: string[] = [];
  const verified: string[] = [];
  const { certified } = await exchangeDecisions(
    {
      self: SELF,
      expected: {
        ...network,
        ...at,
        hotkey: null,
        voters: new Set(VOTERS.map(({ hotkey }) => hotkey)),
      },
      rules: RULES,
      voters: VOTERS,
      decision: DECISION,
      statements: [statementOf('me').held],
      known: new Set(),
      ...changes,
    },
    {
      fetch: (url): Promise<Fetched> => {
        asked.push(url.slice('http://'.length));
        const name = new URL(url).host.replace('.test', '');
        const statements = serves[name]?.map(({ document }) => document);
        const body = url.includes('/certificates/')
          ? certificates[name]
          : statements && encodeBytes({ decision: null, statements });
        return Promise.resolve({
          kind: 'ok',
          status: body ? 200 : 404,
          body: body ?? new Uint8Array(),
        });
      },
      verify: (message, signature, hotkey) => {
        verified.push(hotkey);
        return fakeVerify(message, signature, hotkey);
      },
      record: (events) => Promise.resolve(void recorded.push(...events)),
      signal: new AbortController().signal,
    },
  );
  const of = (type: DomainEvent['type']) => recorded.filter((event) => event.type === type);
  const [built] = recorded.flatMap((event) =>
    event.type === 'certificate.built.v1' ? [event.data] : [],
  );
  return { certified, recorded, of, built, asked, verified };
}

/** Signs our decision, over these inputs, with the history of what was signed before. */
async function sign({
  signed = new Map<string, string>(),
  inputs = DECISION.inputs,
}: {
  signed?: Map<string, string>;
  inputs?: string;
} = {}) {
  const recorded: DomainEvent[] = [];
  const expected = { ...network, ...at, hotkey: null, voters: new Set<string>() };
  const note = await signDecision(
    { expected, decision: { ...DECISION, inputs } },
    {
      signer: fakeSigner(SELF),
      history: simulatedHistory(signed),
      record: (events) => Promise.resolve(void recorded.push(...events)),
    },
  );
  return { recorded, note };
}

const hotkeysIn = (events: readonly DomainEvent[]) =>
  events.map(({ data }) => ('hotkey' in data ? data.hotkey : null));

test('a decision is signed over its outcome and the inputs that it rests on', async () => {
  const { recorded, note } = await sign();
  expect(recorded).toEqual([
    { type: 'decision.signed.v1', data: { ...at, ...statementOf('me').held } },
  ]);
  expect(note).toBeNull();
});

test('a decision is signed again, but never another one of the same run', async () => {
  const signed = new Map<string, string>();
  await sign({ signed });
  expect(await sign({ signed })).toMatchObject({ recorded: [{ type: 'decision.signed.v1' }] });
  const { recorded, note } = await sign({ signed, inputs: sha256('other inputs') });
  expect(recorded).toEqual([]);
  expect(note).toMatch(
    /^signing.refused: .* as the decision of general_chat run-7: .* was signed as that/,
  );
});

test('statements of our outcome make a certificate as soon as their stake reaches the quorum', async () => {
  const short = await round({ a: [statementOf('a')], b: [statementOf('b')] });
  expect(short).toMatchObject({ certified: false });
  expect(hotkeysIn(short.of('peer-decision.accepted.v1'))).toEqual([hotkeyOf('a'), hotkeyOf('b')]);

  // Relayed ones count as much: one peer is enough to hear of all.
  const enough = await round({ a: ['a', 'b', 'c'].map((name) => statementOf(name)) });
  expect(enough.certified).toBe(true);
  expect(enough.built).toMatchObject({ signed: '4', total: '5', certificate: { outcome: OURS } });
  expect(enough.built?.certificate.signatures.map(({ hotkey }) => hotkey)).toEqual(
    ['a', 'b', 'c', 'me'].map(hotkeyOf).toSorted(),
  );
  // Nobody is asked for a certificate that was built here.
  expect(enough.asked.filter((url) => url.includes('/certificates/'))).toEqual([]);
});

test('a statement that is held is not verified again, nor recorded', async () => {
  const held = [statementOf('me').held, statementOf('a').held];
  const { recorded, verified } = await round({ a: [statementOf('a')] }, {}, { statements: held });
  expect({ recorded, verified }).toEqual({ recorded: [], verified: [] });
});

test('a statement that every peer relays is verified once', async () => {
  const all = ['a', 'b', 'c'].map((name) => statementOf(name));
  const { certified, verified } = await round({ a: all, b: all, c: all, d: all });
  expect(certified).toBe(true);
  expect(verified.toSorted()).toEqual(['a', 'b', 'c'].map(hotkeyOf).toSorted());
});

test('a statement with another signature than the one that was verified is refused', async () => {
  const good = statementOf('a');
  const forged = { ...good, document: { ...good.document, signature: 'ab'.repeat(64) } };
  const { of } = await round({ b: [good], c: [forged] });
  expect(hotkeysIn(of('peer-decision.accepted.v1'))).toEqual([hotkeyOf('a')]);
  expect(of('peer-decision.rejected.v1')).toMatchObject([
    { data: { peer: hotkeyOf('c'), reason: 'bad-signature' } },
  ]);
});

test('of a voter that signed two decisions one counts', async () => {
  const two = [statementOf('a'), statementOf('a', THEIRS)];
  const { of } = await round({ b: two, c: two.toReversed() });
  expect(hotkeysIn(of('peer-decision.accepted.v1'))).toEqual([hotkeyOf('a')]);
});

test('enough stake behind another outcome is followed by its certificate', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const theirs = names.map((name) => statementOf(name, THEIRS));
  const { certified, built } = await round({ b: theirs }, { b: certificateOf(THEIRS, names) });
  expect(certified).toBe(true);
  expect(built).toMatchObject({ signed: '4', total: '5', certificate: { outcome: THEIRS } });
});

/** The same certificate with one hex digit of its first signature changed. */
function swapDigit(bytes: Uint8Array): Uint8Array {
  const swap = (_all: string, start: string, digit: string) => start + (digit === '0' ? '1' : '0');
  return Buffer.from(
    Buffer.from(bytes)
      .toString()
      .replace(/("signature":")(.)/, swap),
  );
}

const other = (changes: Partial<Outcome>) =>
  certificateOf({ ...THEIRS, ...changes }, ['a', 'b', 'c', 'd']);

test.for<readonly [string, Uint8Array]>([
  ['below the quorum', certificateOf(THEIRS, ['a', 'b', 'c'])],
  ['with a bad signature', swapDigit(certificateOf(THEIRS, ['a', 'b', 'c', 'd']))],
  ['of another run', other({ run: 'run-6' })],
  ['of another family', other({ family: 'coding' })],
  ['of another network', other({ genesis: sha256('other') })],
  ['of another subnet', other({ netuid: 37 })],
  ['on another roster', other({ roster: sha256('other') })],
  ['over other voters', other({ open: { known: false, reason: 'empty' } })],
  ['for another block', other({ targetBlock: 33 })],
  ['that is none', encodeBytes({ a: 1 })],
  ['that is not canonical', Buffer.from('{ }')],
])('a certificate %s is not followed', async ([, bytes]) => {
  const theirs = ['a', 'b', 'c', 'd'].map((name) => statementOf(name, THEIRS));
  const { certified, built, asked } = await round({ b: theirs }, { b: bytes });
  expect({ certified, built }).toEqual({ certified: false, built: undefined });
  expect(asked).toContain('b.test/v1/consensus/certificates/run-7?family=general_chat');
});

test('one good certificate among bad ones is found', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const theirs = names.map((name) => statementOf(name, THEIRS));
  const { certified } = await round(
    { b: theirs },
    { a: encodeBytes({ a: 1 }), c: other({ run: 'run-6' }), d: certificateOf(THEIRS, names) },
  );
  expect(certified).toBe(true);
});

test('a bad statement is refused with its reason, once for each peer and reason', async () => {
  const forged = {
    ...statementOf('a'),
    document: { ...statementOf('a').document, hotkey: hotkeyOf('b') },
  };
  const late = statementOf('c', OURS, { run: 'run-6' });
  const bad = { b: [late, late, forged], d: [statementOf('nobody')] };
  const { of } = await round(bad);
  const faults = of('peer-decision.rejected.v1').map(({ data }) => data);
  expect(faults).toMatchObject([
    { peer: hotkeyOf('b'), reason: 'wrong-hotkey' },
    { peer: hotkeyOf('b'), reason: 'wrong-run' },
    { peer: hotkeyOf('d'), reason: 'unknown-hotkey' },
  ]);
  const known = new Set(
    ['b/wrong-hotkey', 'b/wrong-run', 'd/unknown-hotkey'].map((fault) => {
      const [name = '', reason = ''] = fault.split('/');
      return `${hotkeyOf(name)}/${reason}/none`;
    }),
  );
  expect((await round(bad, {}, { known })).recorded).toEqual([]);
});
