import { beforeAll, expect, test } from 'vitest';
import { accusationFault, proveEvidence } from '#src/audit/accusations.ts';
import { evidenceOfReports } from '#src/audit/evidence-documents.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '#src/chain/hotkey.ts';
import { devSigner } from '#src/cli/subnet/cast.ts';
import { buildReport } from '#src/consensus/report.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE } from '#src/events/report.ts';

const genesis = 'ab'.repeat(32);
const netuid = 36;
const context = { verify: verifySr25519, blake2b256, genesis, netuid };

beforeAll(() => cryptoReady());

/** Evidence of two reports that this validator signed for a run. */
function twoReports(name: string, run = 'run-3'): string {
  const signer = devSigner(name);
  const { hotkey } = signer;
  const place = { genesis, netuid, family: 'general_chat', run, roster: sha256('r') };
  const [one, other] = [1, 2].map((score) => {
    const body = buildReport({ ...place, snapshotBlock: 7, hotkey, scores: { [hotkey]: score } });
    return signDocument(REPORT_TYPE, body, signer);
  });
  if (one === undefined || other === undefined) throw new Error('two reports');
  return evidenceOfReports(one, other);
}

const by = 'event 9 of a peer';

test('what peers hold against a hotkey is a fault of its log, named with its file and with who holds it', () => {
  const file = twoReports('v4');
  const proved = proveEvidence([{ by, file }], devSigner('v4').hotkey, context);
  expect(proved.map(accusationFault)).toMatchObject([
    { code: 'accused', where: by, found: expect.stringContaining(sha256(file)) },
  ]);
});

test('the same file from two peers is one fault, another file a second one', () => {
  const file = twoReports('v4');
  const found = [file, file, twoReports('v4', 'run-4')].map((each) => ({ by, file: each }));
  expect(proveEvidence(found, devSigner('v4').hotkey, context)).toHaveLength(2);
});

test('evidence against somebody else, of another network, or that proves nothing is none', () => {
  const file = twoReports('v3');
  const { hotkey } = devSigner('v4');
  expect(proveEvidence([{ by, file }], hotkey, context)).toEqual([]);
  const elsewhere = { ...context, genesis: 'cd'.repeat(32) };
  const own = [{ by, file: twoReports('v4') }];
  expect(proveEvidence(own, hotkey, elsewhere)).toEqual([]);
  const altered = own.map((each) => ({ ...each, file: each.file.replace('run-3', 'run-5') }));
  expect(proveEvidence(altered, hotkey, context)).toEqual([]);
});
