import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Outcome } from '#src/events/decision.ts';
import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { forgedReport, forgedStatement } from '../support/forged-documents.ts';
import { type LyingSubnet, startLyingSubnet } from '../support/lying-subnet.ts';
import { body } from '../support/simulated-network.ts';
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
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const PAYS_A = Array.from({ length: 3 }, () => [{ uid: 5, weight: 65_535 }]);

let subnet: LyingSubnet;
beforeEach(async () => {
  subnet = await startLyingSubnet();
});
afterEach(() => stopSubnet(subnet));

test('two signed reports for different peers are found through relays and exclude their author', async () => {
  const second = forgedReport(subnet.liar, 1, { 'miner c': 1_000_000_000 });
  subnet.lie((url, asker) =>
    url.pathname.includes('/scores/') && asker === 'v1' ? body(second.bytes) : null,
  );
  await playRun(subnet, 1, MEASURED);

  const found = await subnet.decided();
  expect(found).toMatchObject({ status: 'equivocated', reason: null, digest: null });
  expect(found.decision.quorum.reported).toBe('1050');
  expect(subnet.weights()).toEqual(PAYS_A);
  const digests = new Set<string>();
  for (const node of subnet.honest) {
    const [evidence, ...more] = await recordedOf(node, 'equivocation.recorded.v1', 1);
    expect(more).toEqual([]);
    expect(evidence).toMatchObject({ hotkey: subnet.liar.signer.hotkey });
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
  const second = forgedReport(subnet.liar, 1, { 'miner c': 1_000_000_000 });
  const { decide } = runInput(1).phases;
  subnet.lie((url, asker) => {
    if (asker !== 'v3' || subnet.chain.state.block < decide - 1) return null;
    if (url.searchParams.get('view') === 'index')
      return body(
        encodeBytes({
          family: FAMILY,
          run: 'run-1',
          reports: [{ digest: second.digest, hotkey: subnet.liar.signer.hotkey }],
        }),
      );
    return url.searchParams.get('digest') === second.digest ? body(second.bytes) : null;
  });
  await playRun(subnet, 1, MEASURED);

  const decisions = await Promise.all(subnet.honest.map((node) => decisionOf(node, 1)));
  const statusOf = ({ inputs }: (typeof decisions)[number]) =>
    inputs.reports.find(({ hotkey }) => hotkey === subnet.liar.signer.hotkey)?.status;
  expect(decisions.map(statusOf)).toEqual(['accepted', 'accepted', 'equivocated']);
  expect(new Set(decisions.map(({ decision }) => JSON.stringify(decision.outcome))).size).toBe(1);
  expect(subnet.weights()).toEqual(PAYS_A);
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
  subnet.lie((url) => (url.searchParams.get('view') === 'index' ? body(index) : null));
  await playRun(subnet, 1, MEASURED);

  expect(await subnet.decided()).toMatchObject({
    status: 'accepted',
    digest: digests.v4,
    decision: { quorum: { reported: '1200' } },
  });
  expect(subnet.weights()).toEqual(PAYS_A);
  const rejections = (await subnet.refusals()).flat();
  expect([...new Set(rejections.map(({ reason }) => reason))]).toEqual(reasons);
  for (const { peer } of rejections) expect(peer).toBe(subnet.liar.signer.hotkey);
});

test('forged decisions and a forged certificate change nothing', async () => {
  const miner = { hotkey: minerKey('miner c'), uid: 7, registeredAt: 10 };
  const outcomeOf = async (): Promise<Outcome> => ({
    ...(await decisionOf(nodeOf(subnet, 'v1'), 1)).decision.outcome,
    winner: miner,
    vector: [{ uid: 7, weight: 65_535 }],
  });
  const asked = new Set<string>();
  subnet.network.tamper = async (url, asker) => {
    if (url.host !== hostOf(subnet.liar)) return null;
    const outcome = await outcomeOf().catch(() => null);
    if (outcome === null) return null;
    // In everybody's name, with the liar's key: its own signature is the only good one.
    const statements = subnet.nodes.map(({ signer: { hotkey } }) =>
      forgedStatement(subnet.liar, hotkey, outcome),
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

  await subnet.decided();
  expect(subnet.weights()).toEqual(PAYS_A);
  expect(asked).toContain('v1');
  for (const node of subnet.honest) {
    const rejected = await recordedOf(node, 'peer-decision.rejected.v1', 1);
    const liar = { peer: subnet.liar.signer.hotkey };
    // Whoever had to ask for the forged certificate refused it for the record.
    const forged = asked.has(node.name) ? [{ ...liar, reason: 'wrong-certificate' }] : [];
    expect(rejected).toMatchObject([{ ...liar, reason: 'bad-signature' }, ...forged]);
    const [built] = await recordedOf(node, 'certificate.built.v1', 1);
    expect(built?.certificate.signatures.map(({ hotkey }) => hotkey)).not.toContain(
      subnet.liar.signer.hotkey,
    );
  }
});
