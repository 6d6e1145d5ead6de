import { expect, test } from 'vitest';
import { successorFault } from '#src/audit/outside-claims.ts';
import { checkStart } from '#src/audit/rules/start.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { anchorPayload } from '#src/consensus/commitment.ts';
import { pae } from '#src/consensus/signed.ts';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { LOG_START_TYPE, LogStart } from '#src/events/log-started.ts';
import { logSource } from '#src/events/source.ts';
import { GENESIS, NETUID, SELF } from '../support/honest-log.ts';
import { logStarted } from '../support/log-start.ts';

const OWNER = { genesis: GENESIS, netuid: NETUID, hotkey: SELF.hotkey };
const nameOf = (generation: number): string => logSource({ ...OWNER, generation });
const ROOT = sha256('the last tree');

/** What an audit makes of a start of this generation that its owner signed. */
function startOf(generation: number, previous: LogStart['previous']) {
  const first = logStarted(SELF, nameOf(0), { genesis: GENESIS, netuid: NETUID });
  if (first.type !== 'log.started.v1') throw new Error('no start');
  const start = LogStart.parse(decode(first.data.body));
  const body = encode({ ...start, generation, source: nameOf(generation), previous } as Json); // safe: a start is JSON
  const signature = SELF.sign(pae(LOG_START_TYPE, body));
  const data = { hotkey: SELF.hotkey, body, signature };
  return checkStart(data, nameOf(generation), { verify: verifySr25519 });
}

test('the first generation continues nothing, a later one an earlier one', () => {
  expect(startOf(0, null).kind).toBe('started');
  expect(startOf(2, { source: nameOf(0), size: 9, root: ROOT }).kind).toBe('started');
});

test.for([
  ['a first generation that continues another log', 0, { source: nameOf(1), size: 9, root: ROOT }],
  ['a first generation that continues itself', 0, { source: nameOf(0), size: 9, root: ROOT }],
  ['a later generation that continues nothing', 1, null],
  ['a later generation that continues one after it', 1, { source: nameOf(2), size: 9, root: ROOT }],
] as const)('%s is no start of a log', ([, generation, previous]) => {
  expect(startOf(generation, previous).kind).toBe('invalid');
});

const anchored = (generation: number, size: number, block: number) => {
  const anchor = anchorPayload({ generation, size, root: ROOT, commit: null });
  return { block, fields: ['eirel/scores/v1:run-2:x', anchor] };
};

test('an anchor of a later generation says that this log was given up, or that another one lives', () => {
  const anchors = [anchored(1, 7, 900), anchored(0, 40, 700), anchored(1, 3, 800)];
  expect(successorFault(anchors, { generation: 0 })).toMatchObject({
    code: 'log-forked',
    index: null,
    where: 'block 800',
    found: expect.stringContaining('an anchor of generation 1, 3 events'),
  });
});

test('anchors of its own generation and of earlier ones are nothing against a log', () => {
  const anchors = [anchored(0, 40, 700), anchored(1, 3, 800), { block: 900, fields: [null] }];
  expect(successorFault(anchors, { generation: 1 })).toBeNull();
  expect(successorFault([], { generation: 0 })).toBeNull();
});
