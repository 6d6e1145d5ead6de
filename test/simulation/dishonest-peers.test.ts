import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Outcome } from '#src/events/decision.ts';
import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { RejectionReason } from '#src/events/report.ts';
import { forgedReport, forgedStatement } from '../support/forged-documents.ts';
import {
  decisionOf,
  everybody,
  FAMILY,
  hostOf,
  minerKey,
  nodeOf,
  playRun,
  recordedOf,
  runInput,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import { body, type SimulatedNode, status } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const HONEST = ['v1', 'v2', 'v3'];

let subnet: Subnet;
let liar: SimulatedNode;
beforeEach(async () => {
  subnet = await startSubnet();
  liar = nodeOf(subnet, 'v4');
});
afterEach(() => stopSubnet(subnet));

/** What the liar answers, and to whom, instead of the truth. */
function lie(answer: (url: URL, asker: string) => ReturnType<typeof status> | null): void {
  subnet.network.tamper = (url, asker) =>
    Promise.resolve(url.host === hostOf(liar) ? answer(url, asker) : null);
}

/** The decision of the honest validators, which must not differ in a byte; and the liar's status in it. */
async function honestDecision(sequence = 1) {
  const decisions = await Promise.all(
    HONEST.map((name) => decisionOf(nodeOf(subnet, name), sequence)),
  );
  const [first] = decisions;
  for (const decision of decisions) expect(JSON.stringify(decision)).toBe(JSON.stringify(first));
  const { decision, inputs } = first ?? (await decisionOf(liar, sequence));
  const input = inputs.reports.find(({ hotkey }) => hotkey === liar.signer.hotkey);
  return { decision, status: input?.status, reason: input?.reason, digest: input?.digest };
}

function expectWinnerEverywhere(name: string): void {
  const uid = { 'miner a': 5, 'miner b': 6 }[name];
  for (const each of HONEST) {
    const { hotkey } = nodeOf(subnet, each).signer;
    expect(subnet.chain.state.weights.get(hotkey)).toEqual([{ uid, weight: 65_535 }]);
  }
}

test('two signed reports for different peers are found through relays and exclude their author', async () => {
  const second = forgedReport(liar, 1, { 'miner c': 1_000_000_000 });
  lie((url, asker) =>
    url.pathname.includes('/scores/') && asker === 'v1' ? body(second.bytes) : null,
  );
  await playRun(subnet, 1, MEASURED);

  const found = await honestDecision();
  expect(found).toMatchObject({ status: 'equivocated', reason: null, digest: null });
  expect(found.decision.quorum.reported).toBe('1050');
  expectWinnerEverywhere('miner a');
  const digests = new Set<string>();
  for (const name of HONEST) {
    const node = nodeOf(subnet, name);
    const [evidence, ...more] = await recordedOf(node, 'equivocation.recorded.v1', 1);
    expect(more).toEqual([]);
    expect(evidence).toMatchObject({ hotkey: liar.signer.hotkey });
    for (const digest of [evidence?.digest ?? '', evidence?.firstDigest ?? '']) {
      digests.add(digest);
      // Both reports are served on: whoever asks can verify the evidence.
      const served = await node.validator.publisher.reportByDigest(FAMILY, 'run-1', digest);
      expect(served).toMatchObject({ kind: 'ready', bytes: expect.any(Uint8Array) });
    }
  }
  expect(digests.size).toBe(2);
  expect(digests).toContain(second.digest);
});

test('a second report that shows only at the last block splits the inputs, not the outcome', async () => {
  const second = forgedReport(liar, 1, { 'miner c': 1_000_000_000 });
  const { decide } = runInput(1).phases;
  lie((url, asker) => {
    if (asker !== 'v3' || subnet.chain.state.block < decide - 1) return null;
    if (url.searchParams.get('view') === 'index')
      return body(
        encodeBytes({
          family: FAMILY,
          run: 'run-1',
          reports: [{ digest: second.digest, hotkey: liar.signer.hotkey }],
        }),
      );
    return url.searchParams.get('digest') === second.digest ? body(second.bytes) : null;
  });
  await playRun(subnet, 1, MEASURED);

  const decisions = await Promise.all(HONEST.map((name) => decisionOf(nodeOf(subnet, name), 1)));
  const statusOf = ({ inputs }: (typeof decisions)[number]) =>
    inputs.reports.find(({ hotkey }) => hotkey === liar.signer.hotkey)?.status;
  expect(decisions.map(statusOf)).toEqual(['accepted', 'accepted', 'equivocated']);
  expect(new Set(decisions.map(({ decision }) => JSON.stringify(decision.outcome))).size).toBe(1);
  expectWinnerEverywhere('miner a');
});

type Facts = Readonly<{ names: Named; digests: Named }>;
/** A text for each validator. */
type Named = Readonly<Record<'v1' | 'v2' | 'v3' | 'v4', string>>;

function named(text: (node: SimulatedNode) => string): Named {
  const of = (name: string): string => text(nodeOf(subnet, name));
  return { v1: of('v1'), v2: of('v2'), v3: of('v3'), v4: of('v4') };
}

test.for([
  {
    title: 'reports that nobody has',
    entries: ({ names }: Facts) => [
      { hotkey: names.v1, digest: sha256('nothing') },
      { hotkey: names.v4, digest: sha256('nothing either') },
    ],
    reasons: [],
  },
  {
    title: "one validator's report as another's",
    entries: ({ names, digests }: Facts) => [
      { hotkey: names.v1, digest: digests.v2 },
      { hotkey: names.v2, digest: digests.v3 },
      { hotkey: names.v3, digest: digests.v1 },
    ],
    reasons: ['wrong-hotkey'],
  },
  {
    title: 'strangers',
    entries: () => [{ hotkey: minerKey('miner a'), digest: sha256('nothing') }],
    reasons: [],
  },
])('an index that names $title changes nothing', async ({ entries, reasons }) => {
  // The figures are no secret, so a liar may know what the others will sign.
  const figures = { 'miner a': 700_000_000, 'miner b': 600_000_000, 'miner c': 500_000_000 };
  const digests = named((node) => forgedReport(node, 1, figures).digest);
  const reports = entries({ names: named(({ signer }) => signer.hotkey), digests });
  const index = encodeBytes({ family: FAMILY, run: 'run-1', reports });
  lie((url) => (url.searchParams.get('view') === 'index' ? body(index) : null));
  await playRun(subnet, 1, MEASURED);

  expect(await honestDecision()).toMatchObject({
    status: 'accepted',
    digest: digests.v4,
    decision: { quorum: { reported: '1200' } },
  });
  expectWinnerEverywhere('miner a');
  const rejections = (await rejectedBy(HONEST)).flat();
  expect([...new Set(rejections.map(({ reason }) => reason))]).toEqual(reasons);
  for (const { peer } of rejections) expect(peer).toBe(liar.signer.hotkey);
});

function rejectedBy(names: readonly string[], sequence = 1) {
  return Promise.all(
    names.map((name) => recordedOf(nodeOf(subnet, name), 'peer-report.rejected.v1', sequence)),
  );
}

const FORGED = { 'miner c': 1_000_000_000 };
const REPORTS: readonly Readonly<{
  title: string;
  reason: RejectionReason;
  serve: () => Uint8Array;
}>[] = [
  {
    title: "another validator's report",
    reason: 'wrong-hotkey',
    serve: () => forgedReport(nodeOf(subnet, 'v1'), 2, FORGED).bytes,
  },
  {
    title: 'its report of the run before',
    reason: 'wrong-run',
    serve: () => forgedReport(liar, 1, FORGED).bytes,
  },
  {
    title: 'a report for another network',
    reason: 'wrong-network',
    serve: () => forgedReport(liar, 2, FORGED, { genesis: sha256('another') }).bytes,
  },
  {
    title: 'a report for another subnet',
    reason: 'wrong-netuid',
    serve: () => forgedReport(liar, 2, FORGED, { netuid: 37 }).bytes,
  },
  {
    title: 'a report on another roster',
    reason: 'wrong-roster',
    serve: () => forgedReport(liar, 2, FORGED, { roster: sha256('another') }).bytes,
  },
  {
    title: 'a score above 1',
    reason: 'score-out-of-range',
    serve: () => forgedReport(liar, 2, { 'miner c': 1_000_000_001 }).bytes,
  },
  {
    title: 'a signature that is none',
    reason: 'bad-signature',
    serve: () => {
      const text = Buffer.from(forgedReport(liar, 2, FORGED).bytes).toString();
      return Buffer.from(text.replace(/"signature":"[0-9a-f]{2}/, '"signature":"00'));
    },
  },
];

test.for(REPORTS)('$title is refused by all as $reason', async ({ reason, serve }) => {
  await playRun(subnet, 1, MEASURED);
  lie((url) => {
    if (url.pathname.includes('/scores/run-2')) return body(serve());
    return url.pathname.includes('/reports/run-2') ? status(404) : null;
  });
  await playRun(subnet, 2, MEASURED);

  const found = await honestDecision(2);
  expect(found).toMatchObject({ status: 'rejected', reason });
  expect(found.decision.quorum.reported).toBe('1050');
  expectWinnerEverywhere('miner a');
  for (const rejections of await rejectedBy(HONEST, 2)) {
    // Asked at every block, refused every time, recorded once.
    expect(rejections.filter((each) => each.digest === found.digest)).toMatchObject([
      { peer: liar.signer.hotkey, reason },
    ]);
  }
});

const GARBAGE = [
  { title: 'nothing', text: '' },
  { title: 'no JSON', text: '<html>' },
  { title: 'another document', text: '{"a":1}' },
  // Errors quote what they found: here the quote ends within a pair of surrogates.
  { title: 'text that is cut within a character', text: `[${'\u{1f600}'.repeat(30)}]` },
  { title: 'text that is cut one later', text: `[ ${'\u{1f600}'.repeat(30)}]` },
];

test.for(GARBAGE)(
  'a peer that answers every question with $title holds nobody up',
  async ({ text }) => {
    lie(() => body(Buffer.from(text)));
    await playRun(subnet, 1, MEASURED);

    expect(await honestDecision()).toMatchObject({ status: 'missing' });
    expectWinnerEverywhere('miner a');
    for (const rejections of await rejectedBy(HONEST)) expect(rejections).not.toEqual([]);
  },
);

test('forged decisions and a forged certificate change nothing', async () => {
  const miner = { hotkey: minerKey('miner c'), uid: 7, registeredAt: 10 };
  const outcomeOf = async (): Promise<Outcome> => ({
    ...(await decisionOf(nodeOf(subnet, 'v1'), 1)).decision.outcome,
    winner: miner,
    vector: [{ uid: 7, weight: 65_535 }],
  });
  const asked = new Set<string>();
  subnet.network.tamper = async (url, asker) => {
    if (url.host !== hostOf(liar)) return null;
    const outcome = await outcomeOf().catch(() => null);
    if (outcome === null) return null;
    // In everybody's name, with the liar's key: its own signature is the only good one.
    const statements = subnet.nodes.map(({ signer: { hotkey } }) =>
      forgedStatement(liar, hotkey, outcome),
    );
    if (url.pathname.includes('/decisions/')) return body(encodeBytes({ statements }));
    if (!url.pathname.includes('/certificates/')) return null;
    asked.add(asker);
    const signatures = statements
      .map(({ hotkey, signature }) => ({ hotkey, inputs: sha256('inputs'), signature }))
      .toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
    return body(encodeBytes({ v: 'eirel/certificate/1', outcome, signatures }));
  };
  await playRun(subnet, 1, MEASURED);

  await honestDecision();
  expectWinnerEverywhere('miner a');
  expect(asked).toContain('v1');
  for (const name of HONEST) {
    const rejected = await recordedOf(nodeOf(subnet, name), 'peer-decision.rejected.v1', 1);
    expect(rejected).toMatchObject([{ peer: liar.signer.hotkey, reason: 'bad-signature' }]);
    const [built] = await recordedOf(nodeOf(subnet, name), 'certificate.built.v1', 1);
    expect(built?.certificate.signatures.map(({ hotkey }) => hotkey)).not.toContain(
      liar.signer.hotkey,
    );
  }
});
