import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { evidenceOfReports } from '#src/audit/evidence-documents.ts';
import { createReplay } from '#src/audit/replay.ts';
import { anchorPayload, commitmentPayload } from '#src/consensus/commitment.ts';
import { SignedDocument } from '#src/consensus/signed.ts';
import { decodeBytes, encodeBytes } from '#src/events/ej1.ts';
import type { EvidenceKind } from '#src/events/evidence.ts';
import { sha256 } from '#src/events/hash.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { devSigner } from '../support/dev-keys.ts';
import { forgedReport } from '../support/forged-documents.ts';
import { logSeedOf } from '../support/log-start.ts';
import { type LyingSubnet, startLyingSubnet } from '../support/lying-subnet.ts';
import { body, status } from '../support/simulated-network.ts';
import {
  decisionOf,
  everybody,
  hostOf,
  nodeOf,
  PAYS_A,
  playRun,
  recordedOf,
  runInput,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });

let subnet: LyingSubnet;
beforeEach(async () => {
  subnet = await startLyingSubnet();
});
afterEach(() => stopSubnet(subnet));

/** The evidence that a node accepted against the liar, by kind and run. */
async function accepted(node: SimulatedNode): Promise<readonly [EvidenceKind, string][]> {
  return (await node.events()).flatMap(({ event }): [EvidenceKind, string][] =>
    event.type === 'evidence.accepted.v1' && event.data.hotkey === subnet.liar.signer.hotkey
      ? [[event.data.kind, event.data.run]]
      : [],
  );
}

async function expectExcluded(sequence: number): Promise<void> {
  const found = await subnet.decided(sequence);
  expect(found).toMatchObject({ status: 'excluded', reason: null, digest: null });
  // Its stake still counts in the total.
  expect(found.decision.quorum).toMatchObject({ reported: '1050', total: '1200' });
  expect(found.decision.outcome.kind).toBe('winner');
}

/** A well signed checkpoint of a node's log that is not of its log. */
function forgedNote(node: SimulatedNode, size: number): string {
  const { signer, view } = node;
  const { genesis, netuid } = view;
  const origin = logSource({ genesis, netuid, hotkey: signer.hotkey, generation: 0 });
  const root = Buffer.from(sha256(`another history ${size}`), 'hex');
  const note = signCheckpoint(
    { origin, size, root },
    { logSeed: logSeedOf(signer.hotkey), signer },
  );
  return Buffer.from(note).toString();
}

/** The node cosigned another history of the liar's log once. */
function remember(node: SimulatedNode, size: number): void {
  const note = forgedNote(subnet.liar, size);
  const [origin = ''] = note.split('\n');
  node.witnessed.set(origin, { origin, size, root: sha256(`another history ${size}`), note });
}

/** The file that two well signed reports of one run by one signer are. */
function twoReports(
  node: Pick<SimulatedNode, 'signer' | 'view'>,
  { salt = 0, run = 1 }: { salt?: number; run?: number } = {},
): Buffer {
  const documentOf = (score: number) => {
    const report = forgedReport({ ...subnet.liar, ...node }, run, { 'miner c': score });
    return SignedDocument.parse(decodeBytes(report.bytes));
  };
  return Buffer.from(evidenceOfReports(documentOf(10 * salt + 1), documentOf(10 * salt + 2)));
}

async function everyLogReplays(): Promise<void> {
  for (const node of subnet.nodes) {
    const step = createReplay();
    const verdicts = (await node.events()).flatMap((event) => step(event) ?? []);
    expect(verdicts.length).toBeGreaterThan(0);
    for (const verdict of verdicts) expect(verdict).toMatchObject({ verdict: 'equal' });
  }
}

describe('who misbehaved in run 1 is excluded by all from run 2 on, whatever proves it', () => {
  test('two signed reports', async () => {
    const second = forgedReport(subnet.liar, 1, { 'miner c': 1_000_000_000 });
    subnet.lie((url, asker) =>
      url.pathname.includes('/scores/run-1') && asker === 'v1' ? body(second.bytes) : null,
    );
    await playRun(subnet, 1, MEASURED);
    expect(await subnet.decided(1)).toMatchObject({ status: 'equivocated' });
    // One of the two is not what it had committed to, either.
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual(
        expect.arrayContaining([
          ['report', 'run-1'],
          ['report-vs-chain', 'run-1'],
        ]),
      );

    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
    expect(subnet.weights()).toEqual([PAYS_A, PAYS_A, PAYS_A]);
    await everyLogReplays();
  });

  test('two commitments to one run', async () => {
    const { commit } = runInput(1).phases;
    const { hotkey } = subnet.liar.signer;
    const fields = [commitmentPayload('run-1', 'another report')];
    await playRun(subnet, 1, MEASURED, {
      onBlock: (block) => {
        if (block === commit) subnet.chain.state.planted.push({ hotkey, block, fields });
      },
    });
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual([['commitment', 'run-1']]);
    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
  });

  test('a report that is not the committed one', async () => {
    const shown = forgedReport(subnet.liar, 1, { 'miner c': 1_000_000_000 });
    subnet.lie((url) =>
      url.pathname.includes('/scores/run-1')
        ? body(shown.bytes)
        : url.searchParams.get('view') === 'index'
          ? status(404)
          : null,
    );
    await playRun(subnet, 1, MEASURED);
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual([['report-vs-chain', 'run-1']]);
    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
  });

  test.each([
    ['smaller than the log', 1],
    ['of a size that it has got to since', 3],
  ])('a checkpoint that one validator had cosigned, %s', async (_title, size) => {
    remember(nodeOf(subnet, 'v2'), size);
    await playRun(subnet, 1, MEASURED);
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual([['checkpoint', 'run-1']]);
    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
    await everyLogReplays();
  });

  test('an anchor on chain of a tree that its log never was', async () => {
    const { snapshot } = runInput(1).phases;
    const { hotkey } = subnet.liar.signer;
    const anchor = { generation: 0, size: 2, root: sha256('another history'), commit: null };
    await playRun(subnet, 1, MEASURED, {
      onBlock: (block) => {
        if (block !== snapshot + 1) return;
        const fields = ['not a commitment', anchorPayload(anchor)];
        subnet.chain.state.planted.push({ hotkey, block, fields });
      },
    });
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual([['checkpoint-vs-anchor', 'run-1']]);
    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
  });

  test('a fork that the witness of one validator came upon', async () => {
    await playRun(subnet, 1, MEASURED);
    const v3 = nodeOf(subnet, 'v3');
    const published = subnet.liar.checkpoints.published();
    const { size, root, note } = published ?? { size: 0, root: '', note: new Uint8Array() };
    const witnessed = {
      origin: Buffer.from(note).toString().split('\n')[0] ?? '',
      size,
      root,
      note: Buffer.from(note).toString(),
    };
    v3.forks.add(witnessed, Buffer.from(forgedNote(subnet.liar, size)));
    await v3.validator.round();
    for (const node of subnet.honest)
      expect(await accepted(node)).toEqual([['checkpoint', 'run-1']]);
    await playRun(subnet, 2, MEASURED);
    await expectExcluded(2);
  });
});

test('an honest subnet accepts no evidence, and looks at each log once a run', async () => {
  for (const sequence of [1, 2, 3]) await playRun(subnet, sequence, MEASURED);
  for (const node of subnet.nodes) {
    const events = await node.events();
    expect(events.filter(({ event }) => event.type === 'evidence.accepted.v1')).toEqual([]);
    expect(node.notes.filter(({ step }) => step === 'exchange-reports')).toEqual([]);
    for (const sequence of [1, 2, 3]) {
      const observed = await recordedOf(node, 'checkpoint.observed.v1', sequence);
      const others = subnet.nodes.filter((each) => each !== node);
      expect(observed.map(({ hotkey }) => hotkey).toSorted()).toEqual(
        others.map(({ signer }) => signer.hotkey).toSorted(),
      );
      const [read] = await recordedOf(node, 'anchors.read.v1', sequence);
      expect(read?.anchors.map(({ hotkey }) => hotkey)).toEqual(
        subnet.nodes.map(({ signer }) => signer.hotkey).toSorted(),
      );
    }
  }
});

test('evidence that arrives late splits one run’s inputs, not its outcome, and the next run excludes alike', async () => {
  const [v1, ...late] = subnet.honest;
  await playRun(subnet, 1, MEASURED);
  // The file reaches v1 alone before run 2 is decided: nobody else hears of it until then.
  const file = twoReports(subnet.liar);
  subnet.network.tamper = async (url) =>
    url.pathname.startsWith('/v1/evidence') ? status(404) : null;
  expect(await v1?.validator.offerEvidence(file)).toMatchObject({ kind: 'accepted' });
  expect(await v1?.validator.offerEvidence(file)).toMatchObject({ kind: 'known' });
  await playRun(subnet, 2, MEASURED);
  const decisions = await Promise.all(subnet.honest.map((node) => decisionOf(node, 2)));
  const statuses = decisions.map(
    ({ inputs }) =>
      inputs.reports.find(({ hotkey }) => hotkey === subnet.liar.signer.hotkey)?.status,
  );
  expect(statuses).toEqual(['excluded', 'accepted', 'accepted']);
  expect(new Set(decisions.map(({ decision }) => JSON.stringify(decision.outcome))).size).toBe(1);

  // The relay is over, so the others find it in v1's index.
  subnet.network.tamper = async () => null;
  await playRun(subnet, 3, MEASURED);
  for (const node of late) expect(await accepted(node)).toEqual([['report', 'run-1']]);
  await expectExcluded(3);
  await everyLogReplays();
});

test('what was accepted before a crash is pulled by the others after it', async () => {
  await playRun(subnet, 1, MEASURED);
  const v3 = nodeOf(subnet, 'v3');
  const file = twoReports(subnet.liar);
  expect(await v3.validator.offerEvidence(file)).toMatchObject({ kind: 'accepted' });
  await v3.restart();
  await playRun(subnet, 2, MEASURED);
  await expectExcluded(2);
});

describe('a flood stays bounded', () => {
  const evidenceEvents = async (node: SimulatedNode) =>
    (await node.events()).filter(({ event }) => event.type === 'evidence.accepted.v1').length;

  test('a peer that lists bogus evidence by the thousand is asked for a few files a round', async () => {
    const { hotkey } = subnet.liar.signer;
    const victim = nodeOf(subnet, 'v2').signer.hotkey;
    const entries = Array.from({ length: 1_500 }, (_, index) => ({
      digest: sha256(`bogus ${index}`),
      hotkey: index % 2 === 0 ? hotkey : victim,
      kind: 'report',
    }));
    let asked = 0;
    subnet.lie((url) => {
      if (url.pathname === '/v1/evidence') return body(encodeBytes({ evidence: entries }));
      if (!url.pathname.startsWith('/v1/evidence/')) return null;
      asked += 1;
      return body(Buffer.from(`{"bogus":"${asked}"}`));
    });
    await playRun(subnet, 1, MEASURED);
    const { commit, decide } = runInput(1).phases;
    const rounds = subnet.honest.length * (decide - commit);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(4 * rounds);
    for (const node of subnet.honest) expect(await evidenceEvents(node)).toBe(0);
    expect((await subnet.decided(1)).status).toBe('accepted');
  });

  test('junk, strangers’ evidence, and more of the same against one validator leave nothing', async () => {
    await playRun(subnet, 1, MEASURED);
    const { validator } = nodeOf(subnet, 'v1');
    const stranger = { signer: devSigner('a stranger'), view: subnet.liar.view };
    for (let index = 0; index < 20; index++) {
      const junk = Buffer.from(`{"junk":${index}}`);
      expect(await validator.offerEvidence(junk)).toMatchObject({ reason: 'schema' });
      expect(await validator.offerEvidence(junk)).toMatchObject({ reason: 'schema' });
      expect(await validator.offerEvidence(twoReports(stranger, { salt: index }))).toMatchObject({
        reason: 'not-a-voter',
      });
      expect(
        await validator.offerEvidence(twoReports(subnet.liar, { salt: index, run: 9 })),
      ).toMatchObject({
        reason: 'run-not-opened',
      });
    }
    expect(await validator.offerEvidence(Buffer.from([0xff]))).toMatchObject({
      reason: 'not-canonical',
    });
    expect(await validator.offerEvidence(Buffer.alloc(200_000))).toMatchObject({
      reason: 'too-large',
    });
    const offered = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        validator.offerEvidence(twoReports(subnet.liar, { salt: index })),
      ),
    );
    const kinds = Map.groupBy(offered, ({ kind }) => kind);
    expect(kinds.get('accepted')).toHaveLength(1);
    expect((kinds.get('known')?.length ?? 0) + (kinds.get('busy')?.length ?? 0)).toBe(79);
    expect(kinds.get('busy')?.length).toBeGreaterThan(0);
    expect(await evidenceEvents(nodeOf(subnet, 'v1'))).toBe(1);
  });

  test('a piece is passed on once, by each who accepts it, to each peer', async () => {
    const posts: string[] = [];
    subnet.network.tamper = async (url, asker) => {
      if (url.pathname === '/v1/evidence' && url.search === '') posts.push(`${asker} ${url.host}`);
      return null;
    };
    await playRun(subnet, 1, MEASURED);
    const v1 = nodeOf(subnet, 'v1');
    expect(await v1.validator.offerEvidence(twoReports(subnet.liar))).toMatchObject({
      kind: 'accepted',
    });
    for (let round = 0; round < 3; round++)
      for (const node of subnet.nodes) await node.validator.round();
    const pairs = subnet.nodes.flatMap((from) =>
      subnet.nodes.filter((to) => to !== from).map((to) => `${from.name} ${hostOf(to)}`),
    );
    expect(posts.toSorted()).toEqual(pairs.toSorted());
    // The accused takes the evidence as well: whoever asks it for the run sees why it is excluded.
    for (const node of subnet.nodes) expect(await evidenceEvents(node)).toBe(1);
  });
});
