import { describe, expect, test } from 'vitest';
import { startDevchain } from '#src/devchain/devchain.ts';
import { devGenesis } from '../support/dev-subnet.ts';
import { until } from '../support/live-until.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { quietProcess } from '../support/quiet-process.ts';

quietProcess();

const startChain = (blockMs: number | null = null) =>
  startDevchain(devGenesis(), { blockMs, finalityLag: 2 });

describe('a connection to the development chain', () => {
  test('follows its finalised head', async () => {
    await using chain = await startChain();
    await using connection = openChain([chain.url], chain.genesisHash);
    await connected(connection);
    await chain.faults.produceBlocks(12);
    await until('block 10', () => JSON.stringify(connection.head()).includes('10'));
    expect(connection.head()).toEqual({ known: true, value: 10 });
  });

  test('reads storage and runtime calls at a finalised block', async () => {
    await using chain = await startChain();
    await chain.faults.produceBlocks(5);
    await using connection = openChain([chain.url], chain.genesisHash);
    await connected(connection);
    const answer = await connection.withApi(async ({ api }) => {
      const at = await api.at(`0x${chain.heads().finalized.hash}`);
      const number = await at.query['system']?.['number']?.();
      const metagraph = await at.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph']?.(
        36,
        0,
        [7, 8],
      );
      return [number?.toJSON(), metagraph?.toJSON()];
    });
    expect(answer).toMatchObject({ known: true, value: [3, { block: 3, tempo: 9 }] });
  });

  test('is sought again after drops, a mute node and refused handshakes, one socket at a time', async () => {
    await using chain = await startChain(20);
    await using connection = openChain([chain.url], chain.genesisHash, {
      silenceMs: 1_000,
      rateLimitRestMs: 50,
    });
    await connected(connection);
    chain.faults.dropConnections();
    await until('the first loss', () => connection.state().losses === 1);
    await connected(connection);
    chain.faults.mute();
    await until('the second loss', () => connection.state().losses === 2);
    chain.faults.unmute();
    chain.faults.refuseHandshakes('429');
    chain.faults.dropConnections();
    await until('a refusal', () => connection.state().lastError?.includes('HTTP 429'));
    chain.faults.reset();
    await connected(connection);
    expect(chain.connections().open).toBe(1);
    expect(chain.connections().handshakes).toBe(connection.state().handshakes);
  });

  test('follows an upgrade of its runtime', async () => {
    await using chain = await startChain();
    await using connection = openChain([chain.url], chain.genesisHash);
    await connected(connection);
    chain.faults.upgradeRuntime();
    await chain.faults.produceBlocks(1);
    await until('runtime 344', async () => {
      const answer = await connection.withApi(async ({ spec }) => spec);
      return answer.known && answer.value === 344;
    });
    expect(connection.state().losses).toBe(0);
  });

  test('reads a block of the runtime before the upgrade as it was', async () => {
    await using chain = await startChain();
    await chain.faults.produceBlocks(4);
    const before = chain.heads().finalized;
    chain.faults.upgradeRuntime();
    await chain.faults.produceBlocks(4);
    await using connection = openChain([chain.url], chain.genesisHash);
    await connected(connection);
    const answer = await connection.withApi(async ({ api, spec }) => {
      const at = await api.at(`0x${before.hash}`);
      const number = await at.query['system']?.['number']?.();
      return [spec, at.runtimeVersion.specVersion.toNumber(), number?.toJSON()];
    });
    expect(answer).toEqual({ known: true, value: [344, 343, before.number] });
  });

  test('does not take another chain for the configured one', async () => {
    await using chain = await startChain();
    await using connection = openChain([chain.url], 'cd'.repeat(32));
    const [resting] = await until('the rest', () => {
      const { resting } = connection.state();
      return resting.length > 0 ? resting : null;
    });
    expect(resting?.why).toContain(chain.genesisHash);
  });

  test('half of its handshakes refused: every one is counted, and no second socket is opened', async () => {
    await using chain = await startChain();
    chain.faults.refuseHandshakes('reset', 0.5, 'a seed');
    await using connection = openChain([chain.url], chain.genesisHash);
    for (let losses = 0; losses < 5; losses++) {
      await connected(connection);
      expect(chain.connections().open).toBe(1);
      chain.faults.dropConnections();
      await until('the loss', () => connection.state().losses > losses);
    }
    await connected(connection);
    expect(connection.state().handshakes).toBe(chain.connections().handshakes);
  });
});
