import { expect, test } from 'vitest';
import type { LogVerdict } from '#src/audit/audit-log.ts';
import { factsOf } from '#src/audit-page/facts.ts';

const HOTKEY = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

const verdict: LogVerdict = {
  log: 'https://validator.example/log',
  origin: `eirel.network/log/v1/abababab/36/${HOTKEY}/0`,
  size: 1_234_567,
  root: 'a'.repeat(64),
  checkpoint: 'verified',
  faults: [],
  rulesEndAt: null,
  events: { 'log.started.v1': 1, 'run.opened.v1': 2 },
  unknown: {},
  tiles: 4_900,
  rules: { runs: 2, decisions: 1, sealed: 0, unread: 0, beyondLedger: 0 },
  gate: new Map(),
  inForce: [],
  leftOut: [],
  runs: [],
  claims: { checked: 0, agreeing: 0 },
  chain: null,
};

function told(changed: Partial<LogVerdict> = {}): Readonly<Record<string, string>> {
  const facts = factsOf({ ...verdict, ...changed });
  return Object.fromEntries(facts.map(({ name, value }) => [name, value]));
}

test('whose log it is comes first, because the reader has to compare it', () => {
  expect(factsOf(verdict).slice(0, 3)).toEqual([
    { name: 'Validator', value: HOTKEY, exact: true },
    {
      name: 'Subnet',
      value: '36, of the network whose genesis hash begins with abababab',
      exact: false,
    },
    { name: 'Log', value: verdict.origin, exact: true },
  ]);
});

test('what was read is told in numbers', () => {
  expect(told()).toMatchObject({
    Events: expect.stringContaining('1,234,567'),
    'Hash tiles': expect.stringContaining('4,900'),
    Runs: '2',
    Decisions: expect.stringMatching(/^1,/),
    'By type': '1 log.started.v1, 2 run.opened.v1',
  });
  expect(told()).not.toHaveProperty('Not checked');
});

test('each thing that could not be checked is told', () => {
  const rules = { runs: 1, decisions: 0, sealed: 12, unread: 4, beyondLedger: 0 };
  const facts = factsOf({ ...verdict, rules, rulesEndAt: 99, unknown: { 'moon.rose.v1': 3 } });
  expect(facts.filter(({ name }) => name === 'Not checked').map(({ value }) => value)).toEqual([
    expect.stringContaining('12 facts'),
    expect.stringContaining('4 signed commitments'),
    expect.stringContaining('3 events of the type moon.rose.v1'),
    expect.stringContaining('from event 99 on'),
  ]);
});

test('a log whose name is none is shown as it is', () => {
  expect(told({ origin: 'somebody else' })).toMatchObject({ Log: 'somebody else' });
  expect(told({ origin: null })).toMatchObject({ Log: 'its name can’t be read' });
});
