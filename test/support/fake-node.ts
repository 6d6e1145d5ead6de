import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util/cjs/index';
import { type WebSocket, WebSocketServer } from 'ws';
import { createCodec } from '#src/devchain/codec.ts';

/** A small node that speaks enough of Substrate's JSON-RPC to be connected to, and misbehaves when told. */
export type FakeNode = AsyncDisposable & {
  readonly url: string;
  /** HTTP status that handshakes are refused with; null takes them. */
  refuseWith: number | null;
  /** Receives, and sends nothing any more: what a half-open socket looks like. */
  muted: boolean;
  /** The answer to a method, in place of the usual one. */
  readonly answers: Map<string, (params: readonly unknown[]) => unknown>;
  /** The error that a method is answered with. */
  readonly failures: Map<string, Readonly<{ code: number; message: string; data?: unknown }>>;
  /** Methods that are never answered. */
  readonly silent: Set<string>;
  readonly calls: string[];
  handshakes: number;
  /** Sockets that are open now, and the most that were open at once. */
  open: number;
  mostOpen: number;
  /** Shows a best and a finalised head to every subscriber. */
  showHeads: (heads: { best?: number; finalized?: number }) => void;
  upgrade: (specVersion: number) => void;
  /** Sends a text as it is. */
  send: (text: string) => void;
  drop: () => void;
};

export type FakeNodeOptions = Readonly<{
  specVersion?: number;
  /** Changes the raw metadata, version 15, of the development chain's runtime. */
  forge?: (metadata: Uint8Array) => Uint8Array;
  finalized?: number;
}>;

/** The genesis hash of its network, 64 hex digits. */
export const FAKE_GENESIS = 'ab'.repeat(32);

export async function startFakeNode(options: FakeNodeOptions = {}): Promise<FakeNode> {
  const { specVersion = 343, forge = (same) => same, finalized = 100 } = options;
  let version = runtimeVersion(specVersion);
  let heads = { best: finalized + 2, finalized };
  const http = createServer();
  const server = new WebSocketServer({ noServer: true });
  const sockets = new Map<WebSocket, Set<string>>();

  const tell = (topic: string, result: unknown): void => {
    for (const [socket, topics] of sockets) if (topics.has(topic)) notify(socket, topic, result);
  };
  const notify = (socket: WebSocket, topic: string, result: unknown): void => {
    const params = { subscription: `sub-${topic}`, result };
    if (!node.muted) socket.send(JSON.stringify({ jsonrpc: '2.0', method: topic, params }));
  };
  const usual = new Map<string, (params: readonly unknown[]) => unknown>([
    ['chain_getBlockHash', () => `0x${FAKE_GENESIS}`],
    ['system_chain', () => 'Fake'],
    ['system_properties', () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' })],
    ['state_getRuntimeVersion', () => version],
    [
      'state_call',
      ([method]) =>
        method === 'Metadata_metadata_versions'
          ? u8aToHex(Uint8Array.of(4, 15, 0, 0, 0))
          : opaque(forge(codec.metadata(15, { specVersion: version.specVersion, slotMs: 12_000 }))),
    ],
  ]);
  const subscriptions = new Map<string, readonly [topic: string, first: () => unknown]>([
    ['state_subscribeRuntimeVersion', ['state_runtimeVersion', () => version]],
    ['chain_subscribeNewHead', ['chain_newHead', () => header(heads.best)]],
    ['chain_subscribeFinalizedHeads', ['chain_finalizedHead', () => header(heads.finalized)]],
  ]);
  const answer = (socket: WebSocket, text: string): void => {
    // safe: our own connection sends nothing else.
    const { id, method, params } = JSON.parse(text) as Call;
    node.calls.push(method === 'state_call' ? String(params[0]) : method);
    if (node.muted || node.silent.has(method)) return;
    const reply = (body: object): void =>
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
    const failure = node.failures.get(method);
    const subscription = subscriptions.get(method);
    const found = node.answers.get(method) ?? usual.get(method);
    if (failure !== undefined) reply({ error: failure });
    else if (subscription !== undefined && !node.answers.has(method)) {
      const [topic, first] = subscription;
      sockets.get(socket)?.add(topic);
      reply({ result: `sub-${topic}` });
      notify(socket, topic, first());
    } else if (found !== undefined) reply({ result: found(params) });
    else reply({ error: { code: -32_601, message: 'Method not found' } });
  };

  http.on('upgrade', (request, stream, first) => {
    node.handshakes++;
    if (node.refuseWith !== null) {
      stream.end(
        `HTTP/1.1 ${node.refuseWith} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      );
      return;
    }
    server.handleUpgrade(request, stream, first, (socket) => {
      sockets.set(socket, new Set());
      node.open++;
      node.mostOpen = Math.max(node.open, node.mostOpen);
      socket.on('close', () => {
        node.open--;
        sockets.delete(socket);
      });
      // safe: the default binary type gives every message as one Buffer.
      socket.on('message', (data) => answer(socket, (data as Buffer).toString()));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  // safe: it listens on a TCP port.
  const { port } = http.address() as AddressInfo;

  const drop = (): void => {
    for (const socket of sockets.keys()) socket.terminate();
  };
  const node: FakeNode = {
    url: `ws://127.0.0.1:${port}`,
    refuseWith: null,
    muted: false,
    answers: new Map(),
    failures: new Map(),
    silent: new Set(),
    calls: [],
    handshakes: 0,
    open: 0,
    mostOpen: 0,
    showHeads: ({ best, finalized }) => {
      heads = { best: best ?? heads.best, finalized: finalized ?? heads.finalized };
      if (best !== undefined) tell('chain_newHead', header(best));
      if (finalized !== undefined) tell('chain_finalizedHead', header(finalized));
    },
    upgrade: (specVersion) => {
      version = runtimeVersion(specVersion);
      tell('state_runtimeVersion', version);
    },
    send: (text) => {
      for (const socket of sockets.keys()) socket.send(text);
    },
    drop,
    [Symbol.asyncDispose]: async () => {
      drop();
      http.close();
      await once(http, 'close');
    },
  };
  return node;
}

const codec = createCodec();

/** An Option of a byte vector, in SCALE. */
function opaque(bytes: Uint8Array): string {
  return u8aToHex(u8aConcat(Uint8Array.of(1), compactToU8a(bytes.length), bytes));
}

type Call = { id: number; method: string; params: readonly unknown[] };

function header(number: number): object {
  const hash = `0x${'0'.repeat(64)}`;
  const digest = { logs: [] };
  return {
    number: `0x${number.toString(16)}`,
    parentHash: hash,
    stateRoot: hash,
    extrinsicsRoot: hash,
    digest,
  };
}

/** What Substrate answers, with the APIs whose presence is asked for. */
function runtimeVersion(specVersion: number) {
  return {
    specName: 'node-subtensor',
    implName: 'node-subtensor',
    authoringVersion: 1,
    specVersion,
    implVersion: 1,
    transactionVersion: 1,
    stateVersion: 1,
    apis: [
      ['0xdf6acb689907609b', 5],
      ['0x37e397fc7c91f5e4', 2],
    ],
  };
}
