import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { z } from 'zod';
import type { Known } from '../chain/chain.ts';
import type { Subtensor } from '../chain/subtensor.ts';
import { type Config, loadConfig } from '../config.ts';
import { now } from '../runtime/clock.ts';
import { connectNats } from '../runtime/nats-link.ts';
import { createPeerClient } from '../runtime/peer-client.ts';
import { streamConfig, verifyStream } from '../runtime/streams.ts';
import { type Command, JSON_OPTION } from './command.ts';
import {
  type ChainFacts,
  checkAxon,
  checkDisk,
  checkKey,
  checkNats,
  checkNode,
  checkSeat,
  type Expected,
  type Finding,
  type Looked,
} from './doctor/checks.ts';
import { EXIT } from './exit-codes.ts';
import { natsAddress } from './nats-address.ts';
import { reachChain } from './reach-chain.ts';
import { openChain, openHotkey } from './validator/open-chain.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Check everything that a validator needs, and say how to mend what is wrong.',
  arguments: [],
  options: { json: JSON_OPTION },
  details:
    'Takes the settings of `eirel validator` and changes nothing. A warning is no reason not to start; a fault is, and gives exit code 4.',
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const findings = await examine(config, io.signal);
    io.out(input.flag('json') ? `${JSON.stringify({ findings })}\n` : table(findings));
    return findings.some(({ status }) => status === 'fault') ? EXIT.mismatch : EXIT.ok;
  },
};

async function examine(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const key = await look(async () => openHotkey(config));
  const hotkey = 'value' in key ? key.value.hotkey : '';
  const chain = await lookAtChain(config, key, signal);
  const expected: Expected = {
    hotkey,
    netuid: config.EIREL_NETUID,
    nowMs: Date.parse(now()),
    minStake: config.EIREL_MIN_STAKE_RAO,
    versionKey: config.EIREL_WEIGHTS_VERSION_KEY,
    minVectorLength: config.EIREL_MIN_VECTOR_LENGTH,
    weightInterval: config.EIREL_WEIGHT_INTERVAL_BLOCKS,
  };
  const axon = axonOf(chain, hotkey);
  const answer: Looked<{ hotkey: string }> =
    axon.known && axon.value !== null
      ? await whoAnswers(axon.value, config, signal)
      : { reason: 'not asked' };
  return [
    checkKey(key),
    ...checkNode(chain, expected),
    ...checkSeat(chain, expected),
    checkAxon(axon, answer, expected),
    ...checkNats(await lookAtNats(config)),
    checkDisk(await lookAtDisk(config.EIREL_DATA_DIR)),
  ];
}

async function lookAtChain(
  config: Config,
  key: Looked<Awaited<ReturnType<typeof openHotkey>>>,
  signal: AbortSignal,
): Promise<Known<ChainFacts>> {
  await using chain = await openChain(config, { signer: 'value' in key ? key.value : null });
  const endpoints = config.EIREL_CHAIN_ENDPOINTS.length;
  const head = await reachChain(chain, { endpoints, signal });
  return head.known ? await factsAt(chain, head.value) : head;
}

async function factsAt(chain: Subtensor, block: number): Promise<Known<ChainFacts>> {
  const metagraph = await chain.metagraph(block);
  if (!metagraph.known) return metagraph;
  const node = await chain.node();
  if (!node.known) return node;
  return { known: true, value: { ...node.value, metagraph: metagraph.value } };
}

function axonOf(chain: Known<ChainFacts>, self: string): Known<string | null> {
  if (!chain.known)
    return { known: false, reason: chain.reason, detail: 'the chain does not answer' };
  const { neurons } = chain.value.metagraph;
  return { known: true, value: neurons.find(({ hotkey }) => hotkey === self)?.axon ?? null };
}

const Answer = z.looseObject({ hotkey: z.string() });

/** Who answers at an address, asked as a peer would ask. */
async function whoAnswers(
  axon: string,
  config: Config,
  signal: AbortSignal,
): Promise<Looked<{ hotkey: string }>> {
  await using peers = createPeerClient({
    allowLoopback: config.EIREL_PEER_ADDRESSES === 'loopback',
  });
  const outcome = await peers.get(`${axon}/v1/status`, { signal });
  if (outcome.kind !== 'ok') return { reason: `${outcome.reason}: ${outcome.detail}` };
  return await look(async () => Answer.parse(JSON.parse(Buffer.from(outcome.body).toString())));
}

function lookAtNats(config: Config) {
  return look(async () => {
    const nc = await connectNats(await natsAddress(config, 'eirel doctor'));
    try {
      const drift = await verifyStream(nc, streamConfig('validator'));
      return { version: nc.info?.version ?? 'unknown', drift: drift.map(({ field }) => field) };
    } finally {
      await nc.close();
    }
  });
}

function lookAtDisk(path: string) {
  return look(async () => {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
    const { bavail, bsize } = await statfs(path);
    return { path, freeBytes: bavail * bsize };
  });
}

/** A check that can't be made is a finding like any other. */
async function look<T>(act: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { value: await act() };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

const MARK: Readonly<Record<Finding['status'], string>> = {
  ok: 'ok',
  warning: 'warning',
  fault: 'FAULT',
  unknown: 'unknown',
};

function table(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ name, status, found, mend }) => [
    `${MARK[status].padEnd(8)} ${name.padEnd(13)} ${found}`,
    ...(mend === null ? [] : [`${' '.repeat(22)} -> ${mend}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
