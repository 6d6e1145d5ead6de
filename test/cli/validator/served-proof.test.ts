import { expect, test } from 'vitest';
import { describeLog } from '#src/cli/validator/served-proof.ts';
import type { LogStart } from '#src/events/log-started.ts';
import { logSource } from '#src/events/source.ts';
import { documents } from '#src/http/documents.ts';
import { cosignerKey, cosignerName } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { parseVerifierKey } from '#src/merkle/signed-note.ts';
import { parsePolicy } from '#src/merkle/tlog-policy.ts';

const hotkeys = [
  '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
  '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y',
  '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy',
  '5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw',
];
const [hotkey = ''] = hotkeys;
const genesis = 'ab'.repeat(32);
const owner = { genesis, netuid: 36, hotkey };
const publicKey = (byte: number): string =>
  Buffer.from(publicKeyEd25519(Buffer.alloc(32, byte))).toString('hex');

const start: LogStart = {
  v: 'eirel/log-start/1',
  source: logSource({ ...owner, generation: 1 }),
  ...owner,
  generation: 1,
  logKey: publicKey(1),
  witnessKey: publicKey(2),
  previous: { source: logSource({ ...owner, generation: 0 }), size: 7, root: 'cd'.repeat(32) },
};

const witnesses = hotkeys.slice(1).map((hotkey, index) => ({
  hotkey,
  key: cosignerKey(cosignerName({ ...owner, hotkey }), Buffer.from(publicKey(10 + index), 'hex')),
  url: `http://192.0.2.${index}:8091/witness`,
}));

test('the description says whose log it is, by keys that readers of transparency logs take as they are', () => {
  const described = documents.LogDescription.parse(describeLog(start, []));
  expect(described).toMatchObject({
    origin: start.source,
    hotkey,
    netuid: 36,
    generations: [{ source: start.source, previous: start.previous }],
    mirrors: [],
  });
  const { log, hotkey: own, witness } = described.keys;
  expect([log, own, witness].map((vkey) => parseVerifierKey(vkey).name)).toEqual([
    start.source,
    start.source,
    cosignerName(owner),
  ]);
  expect(Buffer.from(parseVerifierKey(log).typeAndKey).toString('hex')).toBe(`01${start.logKey}`);
  expect(Buffer.from(parseVerifierKey(witness).typeAndKey).toString('hex')).toBe(
    `04${start.witnessKey}`,
  );
});

test('the policy asks for any three of the known witnesses, all of fewer, and nobody where none is known', () => {
  for (const [known, quorum, thresholds] of [
    [0, 'none', []],
    [1, 'validators', [1]],
    [2, 'validators', [2]],
    [4, 'validators', [3]],
  ] as const) {
    const { policy } = describeLog(start, witnesses.slice(0, known));
    const parsed = parsePolicy(Buffer.from(policy, 'latin1'));
    expect(parsed.logs.map(({ key }) => key.name)).toEqual([start.source]);
    expect(parsed.witnesses.map(({ name, url }) => [name, url])).toEqual(
      witnesses.slice(0, known).map(({ hotkey, url }) => [hotkey, url]),
    );
    expect(parsed.quorum).toBe(quorum);
    expect(parsed.groups.map(({ threshold }) => threshold)).toEqual(thresholds);
  }
});

test('two hotkeys with one key are one witness', () => {
  const [first, second] = witnesses;
  if (first === undefined || second === undefined) throw new Error('two witnesses');
  const name = cosignerName({ ...owner, hotkey: second.hotkey });
  const copied = { ...second, key: cosignerKey(name, first.key.typeAndKey.subarray(1)) };
  const { policy } = describeLog(start, [first, copied]);
  const parsed = parsePolicy(Buffer.from(policy, 'latin1'));
  expect(parsed.witnesses.map(({ name }) => name)).toEqual([first.hotkey]);
});
