import { describe, expect, test } from 'vitest';
import { createPool, type Status } from '#src/devchain/pool.ts';
import type { Transaction } from '#src/devchain/transaction.ts';

const fresh = (): number => 0;

function transaction(signer: string, nonce: number, expires: number | null = null): Transaction {
  return {
    hash: `${signer}${nonce}`,
    bytes: new Uint8Array(),
    signer,
    nonce,
    call: { call: 'System.remark', remark: '' },
    expires,
  };
}

function told() {
  const heard: [string, Status][] = [];
  const pool = createPool((hash, status) => heard.push([hash, status]));
  return { pool, of: (hash: string) => heard.filter(([of]) => of === hash).map(([, s]) => s) };
}

describe('the order of inclusion', () => {
  test('is that of arrival, but within an account that of nonces', () => {
    const { pool } = told();
    for (const [signer, nonce] of [
      ['a', 1],
      ['b', 0],
      ['a', 0],
      ['b', 1],
    ] as const)
      pool.add(transaction(signer, nonce), fresh);
    expect(pool.ready().map(({ hash }) => hash)).toEqual(['a0', 'b0', 'a1', 'b1']);
  });

  test('leaves out what waits for an earlier nonce, until that comes', () => {
    const { pool, of } = told();
    pool.add(transaction('a', 2), fresh);
    pool.add(transaction('a', 0), fresh);
    expect(pool.ready().map(({ nonce }) => nonce)).toEqual([0]);
    expect(pool.nextNonce('a', fresh)).toBe(1);
    pool.add(transaction('a', 1), fresh);
    expect(pool.ready().map(({ nonce }) => nonce)).toEqual([0, 1, 2]);
    expect(pool.nextNonce('a', fresh)).toBe(3);
    expect(of('a2')).toEqual(['ready', { broadcast: ['devchain'] }]);
  });
});

describe('the pool refuses', () => {
  test('the same extrinsic a second time with 1013', () => {
    const { pool } = told();
    expect(pool.add(transaction('a', 0), fresh)).toBeNull();
    expect(pool.add(transaction('a', 0), fresh)?.code).toBe(1013);
  });

  test('another one with the same nonce with 1014', () => {
    const { pool } = told();
    pool.add(transaction('a', 0), fresh);
    expect(pool.add({ ...transaction('a', 0), hash: 'other' }, fresh)?.code).toBe(1014);
  });

  test('more than its bounds hold, of one account and of all, with 1016', () => {
    const { pool } = told();
    const add = (account: number, nonce: number) =>
      pool.add(transaction(`account ${account} `, nonce), fresh)?.code;
    for (let account = 0; account < 16; account += 1) {
      for (let nonce = 0; nonce < 64; nonce += 1) expect(add(account, nonce)).toBeUndefined();
      expect(add(account, 64)).toBe(1016);
    }
    expect(add(16, 0)).toBe(1016);
    pool.remove('account 3 63');
    expect(add(16, 0)).toBeUndefined();
  });
});

describe('after a block', () => {
  test('an extrinsic whose era has passed is invalid, and who waited for it waits again', () => {
    const { pool, of } = told();
    pool.add(transaction('a', 0, 10), fresh);
    pool.add(transaction('a', 1), fresh);
    pool.settle(9, fresh);
    expect(pool.ready()).toHaveLength(2);
    pool.settle(10, fresh);
    expect(pool.ready()).toEqual([]);
    expect(of('a0').at(-1)).toBe('invalid');
    expect(of('a1').at(-1)).toBe('future');
  });

  test('an extrinsic whose nonce is taken is invalid', () => {
    const { pool, of } = told();
    pool.add(transaction('a', 0), fresh);
    pool.settle(5, () => 1);
    expect(pool.all()).toEqual([]);
    expect(of('a0').at(-1)).toBe('invalid');
  });
});
