import { describe, expect, test } from 'vitest';
import type { Connection } from '#src/chain/connection.ts';
import { FAKE_GENESIS as GENESIS, startFakeNode as startNode } from '../support/fake-node.ts';
import { until } from '../support/live-until.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { quietProcess } from '../support/quiet-process.ts';

quietProcess();

const DISCARDED = { code: 4_003, message: 'Client error: UnknownBlock: State already discarded' };

/** Asks one after the other; the answers that are known count. */
async function ask(connection: Connection, method: string, times: number): Promise<number> {
  let known = 0;
  for (let count = 0; count < times; count++) {
    const answer = await connection.withApi(({ call }) => call(method, []));
    if (answer.known) known++;
  }
  return known;
}

describe('a node whose heads go on', () => {
  test('is left after 5 calls of a method without an answer, whatever else it answers', async () => {
    await using hung = await startNode();
    await using other = await startNode();
    other.answers.set('state_getStorage', () => '0x00');
    hung.silent.add('state_getStorage');
    const urls = [hung.url, other.url];
    await using connection = openChain(urls, GENESIS, { callTimeoutMs: 300 });
    await connected(connection, hung.url);
    for (let count = 0; count < 5; count++) {
      expect(await ask(connection, 'system_chain', 1)).toBe(1);
      expect(await ask(connection, 'state_getStorage', 1)).toBe(0);
    }
    await connected(connection, other.url);
    expect(connection.state().lastError).toMatch(
      /5 calls of state_getStorage in a row failed, the last one with: .*no answer within 300 ms/,
    );
    expect(connection.told.map(({ detail }) => detail)).toContainEqual(
      expect.stringContaining('5 calls of state_getStorage in a row failed'),
    );
    expect(await ask(connection, 'state_getStorage', 1)).toBe(1);
  });

  test('is left after 5 errors in a row, and asked again when there is no other', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.answers.set('state_getStorage', () => '0x00');
    node.failures.set('state_getStorage', { code: -32_603, message: 'Internal error' });
    expect(await ask(connection, 'state_getStorage', 4)).toBe(0);
    node.failures.clear();
    expect(await ask(connection, 'state_getStorage', 1)).toBe(1);
    node.failures.set('state_getStorage', { code: -32_603, message: 'Internal error' });
    await ask(connection, 'state_getStorage', 4);
    expect(connection.state().losses).toBe(0);
    await ask(connection, 'state_getStorage', 1);
    await until('the loss', () => connection.state().losses === 1);
    node.failures.clear();
    await connected(connection);
    expect(connection.state()).toMatchObject({ losses: 1, handshakes: 2 });
    expect(connection.state().lastError).toMatch(
      /state_getStorage in a row .*-32603: Internal error/,
    );
  });

  test('is not left for calls that failed together: they are one failure', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const many = Array.from({ length: 20 }, () => ask(connection, 'state_nothing', 1));
    expect(await Promise.all(many)).toEqual(many.map(() => 0));
    expect(connection.state().losses).toBe(0);
  });

  test('is not left for what its pool says of extrinsics', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const refusal = { code: 1_010, message: 'Invalid Transaction' };
    node.failures.set('author_submitExtrinsic', refusal);
    await ask(connection, 'author_submitExtrinsic', 20);
    expect(connection.state().losses).toBe(0);
  });

  test('is left for a state that it discarded only where another one may have it', async () => {
    await using pruned = await startNode();
    await using other = await startNode();
    pruned.failures.set('state_getStorage', DISCARDED);
    await using alone = openChain([pruned.url], GENESIS);
    await connected(alone);
    await ask(alone, 'state_getStorage', 20);
    expect(alone.state().losses).toBe(0);
    await using connection = openChain([pruned.url, other.url], GENESIS);
    await connected(connection, pruned.url);
    await ask(connection, 'state_getStorage', 5);
    await connected(connection, other.url);
  });
});
