import { describe, expect, test } from 'vitest';
import { classOf } from '#src/chain/chain-error.ts';
import { RpcError } from '#src/chain/rpc-error.ts';
import { createSender, poolAnswer, sendExtrinsic } from '#src/chain/send.ts';
import { AppError } from '#src/errors.ts';

const COMMIT = 'SubtensorModule.commit_timelocked_mechanism_weights';
const SET = 'SubtensorModule.set_mechanism_weights';
const invalid = (data: string) => ({ code: 1_010, message: 'Invalid Transaction', data });

describe('what a pool says', () => {
  test.each([
    [
      'an extrinsic that it has already',
      { code: 1_013, message: 'Transaction Already Imported' },
      'sent',
    ],
    [
      'a nonce that is used: only the blocks know by whom',
      invalid('Transaction is outdated'),
      'unknown',
    ],
  ])('%s', (_title, error, kind) => {
    expect(poolAnswer(error, SET).kind).toBe(kind);
  });

  test.each([
    ['Custom error: 0', SET, 'ColdkeyInSwapSchedule', 'operator'],
    ['Custom error: 1', SET, 'NotEnoughStakeToSetWeights', 'operator'],
    ['Custom error: 6', SET, 'SettingWeightsTooFast', 'wait'],
    ['Custom error: 6', COMMIT, 'CommittingWeightsTooFast', 'wait'],
    ['Custom error: 10', SET, 'HotKeyNotRegisteredInSubNet', 'operator'],
    ['Custom error: 12', 'SubtensorModule.serve_axon', 'ServingRateLimitExceeded', 'wait'],
    ['Custom error: 15', COMMIT, 'InvalidRevealRound', 'stale'],
    ['Custom error: 19', SET, 'HotKeyNotRegisteredInSubNet', 'operator'],
    ['Custom error: 21', SET, 'ColdkeySwapDisputed', 'operator'],
    ['Custom error: 255', SET, 'BadRequest', 'operator'],
    ['Custom error: 77', SET, 'CustomError77', 'operator'],
    ['Transaction has a bad signature', SET, 'BadSignature', 'stale'],
    ['Transaction has an ancient birth block', SET, 'AncientBirthBlock', 'stale'],
    [
      'Inability to pay some fees (e.g. account balance too low)',
      SET,
      'InabilityToPayFees',
      'operator',
    ],
    ['Transaction would exhaust the block limits', SET, 'ExhaustsResources', 'network'],
    ['Transaction call is not expected', SET, 'CallFiltered', 'network'],
    ['something that no node said before', SET, 'InvalidTransaction', 'operator'],
  ])('1010 with %j for %s is %s, as the work of %s', (data, call, name, errorClass) => {
    const answer = poolAnswer(invalid(data), call);
    expect(answer).toEqual({
      kind: 'refused',
      error: { name, class: errorClass, detail: `Invalid Transaction: ${data}`, retryAt: null },
    });
  });

  test.each([
    [1_001, 'MalformedExtrinsic', 'bug'],
    [1_002, 'UnknownValidity', 'network'],
    [1_011, 'UnknownValidity', 'network'],
    [1_012, 'TemporarilyBanned', 'network'],
    [1_014, 'PriorityTooLow', 'wait'],
    [1_016, 'PoolFull', 'network'],
    [-32_601, 'SubmissionRefused', 'network'],
  ])('%i is %s, as the work of %s', (code, name, errorClass) => {
    const answer = poolAnswer({ code, message: 'No' }, SET);
    expect(answer).toMatchObject({ kind: 'refused', error: { name, class: errorClass } });
  });

  test('a name that is new to us asks for a person', () => {
    expect(classOf('SomethingOfNextYear')).toBe('operator');
  });
});

describe('sending', () => {
  const extrinsic = { bytes: 'abcd', call: SET };
  const failing = (error: Error) => ({ link: { call: () => Promise.reject(error) } });

  test('gives the node the very bytes', async () => {
    const asked: unknown[] = [];
    const call = async (method: string, params: readonly unknown[]) => {
      asked.push([method, params]);
    };
    expect(await sendExtrinsic(extrinsic, { link: { call } })).toEqual({ kind: 'sent' });
    expect(asked).toEqual([['author_submitExtrinsic', ['0xabcd']]]);
  });

  test('tells the refusal of the pool as the node words it', async () => {
    const error = new RpcError(
      '1010: Invalid Transaction: Custom error: 6',
      1_010,
      'Custom error: 6',
    );
    expect(await sendExtrinsic(extrinsic, failing(error))).toMatchObject({
      error: {
        name: 'SettingWeightsTooFast',
        detail: '1010: Invalid Transaction: Custom error: 6',
      },
    });
  });

  test('throws on a lost connection: nobody knows whether the node has it', async () => {
    const lost = new AppError('chain.unavailable', {});
    await expect(sendExtrinsic(extrinsic, failing(lost))).rejects.toBe(lost);
  });
});

describe('a refusal', () => {
  const extrinsic = { hash: 'ab'.repeat(32), bytes: 'abcd', call: SET };
  const refusal = new RpcError('1014: Priority is too low', 1_014, 'No');
  const node = (answer: Error | null) => ({
    link: { call: () => (answer === null ? Promise.resolve() : Promise.reject(answer)) },
  });

  test('of what nobody was sent before leaves it with nobody, however often', async () => {
    const sender = createSender();
    sender.signed(extrinsic);
    for (let time = 0; time < 3; time += 1)
      expect(await sender.send(extrinsic, node(refusal))).toMatchObject({
        kind: 'refused',
        error: { name: 'PriorityTooLow' },
      });
  });

  test.each([
    ['that a node took', null],
    ['whose first answer was lost', new AppError('chain.unavailable', {})],
  ])('of what %s proves nothing', async (_title, answer) => {
    const sender = createSender();
    sender.signed(extrinsic);
    await sender.send(extrinsic, node(answer)).catch(() => undefined);
    expect(await sender.send(extrinsic, node(refusal))).toEqual({
      kind: 'unknown',
      detail: 'PriorityTooLow, but a node may have it: 1014: Priority is too low: No',
    });
    expect(await sender.send(extrinsic, node(null))).toEqual({ kind: 'sent' });
  });

  test('of what an earlier process signed proves nothing', async () => {
    expect(await createSender().send(extrinsic, node(refusal))).toMatchObject({ kind: 'unknown' });
  });

  test('is remembered for a few extrinsics only', async () => {
    const sender = createSender();
    sender.signed(extrinsic);
    for (let other = 0; other < 16; other += 1) sender.signed({ hash: String(other) });
    expect(await sender.send(extrinsic, node(refusal))).toMatchObject({ kind: 'unknown' });
  });
});
