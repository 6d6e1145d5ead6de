import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import type { RejectionReason } from '#src/events/report.ts';
import { forgedReport } from '../support/forged-documents.ts';
import { type LyingSubnet, startLyingSubnet } from '../support/lying-subnet.ts';
import { body, status } from '../support/simulated-network.ts';
import { everybody, nodeOf, playRun, stopSubnet } from '../support/simulated-run.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const PAYS_A = Array.from({ length: 3 }, () => [{ uid: 5, weight: 65_535 }]);

let subnet: LyingSubnet;
beforeEach(async () => {
  subnet = await startLyingSubnet();
});
afterEach(() => stopSubnet(subnet));

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
    serve: () => forgedReport(subnet.liar, 1, FORGED).bytes,
  },
  {
    title: 'a report for another network',
    reason: 'wrong-network',
    serve: () => forgedReport(subnet.liar, 2, FORGED, { genesis: sha256('another') }).bytes,
  },
  {
    title: 'a report for another subnet',
    reason: 'wrong-netuid',
    serve: () => forgedReport(subnet.liar, 2, FORGED, { netuid: 37 }).bytes,
  },
  {
    title: 'a report on another roster',
    reason: 'wrong-roster',
    serve: () => forgedReport(subnet.liar, 2, FORGED, { roster: sha256('another') }).bytes,
  },
  {
    title: 'a score above 1',
    reason: 'score-out-of-range',
    serve: () => forgedReport(subnet.liar, 2, { 'miner c': 1_000_000_001 }).bytes,
  },
  {
    title: 'a signature that is none',
    reason: 'bad-signature',
    serve: () => {
      const text = Buffer.from(forgedReport(subnet.liar, 2, FORGED).bytes).toString();
      // Another first digit, whatever it was.
      return Buffer.from(
        text.replace(/"signature":"([0-9a-f])/, (_, digit: string) =>
          digit === '0' ? '"signature":"1' : '"signature":"0',
        ),
      );
    },
  },
];

test.for(REPORTS)('$title is refused by all as $reason', async ({ reason, serve }) => {
  await playRun(subnet, 1, MEASURED);
  subnet.lie((url) => {
    if (url.pathname.includes('/scores/run-2')) return body(serve());
    return url.pathname.includes('/reports/run-2') ? status(404) : null;
  });
  await playRun(subnet, 2, MEASURED);

  const found = await subnet.decided(2);
  expect(found).toMatchObject({ status: 'rejected', reason });
  expect(found.decision.quorum.reported).toBe('1050');
  expect(subnet.weights()).toEqual(PAYS_A);
  for (const rejections of await subnet.refusals(2)) {
    // Asked at every block, refused every time, recorded once.
    expect(rejections.filter((each) => each.digest === found.digest)).toMatchObject([
      { peer: subnet.liar.signer.hotkey, reason },
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
    subnet.lie(() => body(Buffer.from(text)));
    await playRun(subnet, 1, MEASURED);

    expect(await subnet.decided()).toMatchObject({ status: 'missing' });
    expect(subnet.weights()).toEqual(PAYS_A);
    for (const rejections of await subnet.refusals()) expect(rejections).not.toEqual([]);
  },
);
