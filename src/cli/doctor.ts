import { z } from 'zod';
import type { Known } from '../chain/chain.ts';
import { isSs58 } from '../chain/hotkey.ts';
import type { Subtensor } from '../chain/subtensor.ts';
import { type Config, loadConfig, validatorFaults } from '../config.ts';
import { now } from '../runtime/clock.ts';
import { connectNats } from '../runtime/nats-link.ts';
import { createPeerClient } from '../runtime/peer-client.ts';
import { streamConfig, verifyStream } from '../runtime/streams.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { type ChainFacts, checkNode, checkSeat, type Expected } from './doctor/chain-checks.ts';
import {
  checkAxon,
  checkDisk,
  checkKey,
  checkNats,
  checkSettings,
  checkSigning,
} from './doctor/checks.ts';
import { checkExecution } from './doctor/execution-checks.ts';
import type { Finding, Looked } from './doctor/finding.ts';
import { lookAtExecution } from './doctor/look-at-execution.ts';
import { lookAtDisk, lookAtSigning } from './doctor/look-at-files.ts';
import { checkNetwork, lookAtNetwork } from './doctor/network-check.ts';
import { EXIT } from './exit-codes.ts';
import { explain } from './explain.ts';
import { natsAddress } from './nats-address.ts';
import { reachChain } from './reach-chain.ts';
import { describeDrift } from './streams.ts';
import { openChain, openHotkey } from './validator/open-chain.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Check everything that a validator needs, and say how to mend what is wrong.',
  arguments: [],
  options: { json: JSON_OPTION },
  details:
    'Takes the settings of `eirel validator` and changes nothing; in a cluster a pod of a few seconds looks at the network of submissions. A warning is no reason not to start; a fault is, and gives exit code 4.',
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const findings = await examine(config, io.signal);
    io.out(input.flag('json') ? `${JSON.stringify({ findings })}\n` : table(findings));
    return findings.some(({ status }) => status === 'fault') ? EXIT.mismatch : EXIT.ok;
  },
};

async function examine(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const key = await look(async () => openHotkey(config));
  const hotkey = 'value' in key ? key.value.hotkey : null;
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
  const { EIREL_DATA_DIR: data, EIREL_SIGNING_DIR: signing } = config;
  const axon = axonOf(chain, hotkey);
  const answer: Looked<{ hotkey: string }> =
    'value' in axon && axon.value !== null
      ? await whoAnswers(axon.value, config, signal)
      : { reason: 'not asked' };
  const execution = await lookAtExecution(config, signal);
  const network = await lookAtNetwork(config, { instance: hotkey ?? 'doctor', signal });
  return [
    checkSettings(validatorFaults(config)),
    checkKey(key),
    ...checkNode(chain, expected),
    ...checkSeat(chain, expected),
    checkAxon(axon, answer, expected),
    ...checkNats(await lookAtNats(config)),
    checkDisk(await look(() => lookAtDisk(data))),
    checkSigning(await look(() => lookAtSigning(signing, data))),
    ...(execution === null ? [] : checkExecution(execution)),
    ...(network === null ? [] : [checkNetwork(network)]),
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

/** The axon that stands on chain, null where there is none; or why that can't be told. */
function axonOf(chain: Known<ChainFacts>, hotkey: string | null): Looked<string | null> {
  if (!chain.known) return { reason: 'the chain does not answer' };
  if (hotkey === null) return { reason: 'the hotkey is not known' };
  const self = chain.value.metagraph.neurons.find((neuron) => neuron.hotkey === hotkey);
  return self === undefined ? { reason: 'the hotkey is not registered' } : { value: self.axon };
}

const Answer = z.object({ hotkey: z.string().refine(isSs58) });

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
  const answer = outcome.status === 200 ? readStatus(outcome.body) : null;
  return answer === null
    ? { reason: `no validator answers there, but something does, with status ${outcome.status}` }
    : { value: answer };
}

/** Who the answer of `/v1/status` is of; null for anything else. The bytes are attacker-controlled. */
function readStatus(body: Uint8Array): { hotkey: string } | null {
  try {
    return Answer.parse(JSON.parse(Buffer.from(body).toString()));
  } catch {
    return null;
  }
}

function lookAtNats(config: Config) {
  return look(async () => {
    const nc = await connectNats(await natsAddress(config, 'eirel doctor'));
    try {
      const drift = await verifyStream(nc, streamConfig('validator'));
      return { version: nc.info?.version ?? 'unknown', drift: drift.map(describeDrift) };
    } finally {
      await nc.close();
    }
  });
}

/** A check that can't be made is a finding like any other. */
async function look<T>(act: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { value: await act() };
  } catch (error) {
    return { reason: explain(error) };
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
