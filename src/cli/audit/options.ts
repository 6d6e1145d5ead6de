import type { Expectations } from '../../audit/audit-log.ts';
import { isSs58 } from '../../chain/hotkey.ts';
import { loadConfig } from '../../config.ts';
import type { AppError } from '../../errors.ts';
import { type Command, type Input, type Io, type Option, usage, wholeNumber } from '../command.ts';

/** Whose log or report it has to be, and who is asked beside it. */
export const EXPECTED_OPTIONS = {
  hotkey: {
    type: 'string',
    placeholder: 'ss58',
    help: 'whose it has to be; without it the name that the log gives itself is believed',
  },
  genesis: {
    type: 'string',
    placeholder: 'hash',
    help: 'hash of block 0 of the network, 64 hex digits ($EIREL_CHAIN_GENESIS)',
  },
  netuid: { type: 'string', placeholder: 'number', help: 'the subnet ($EIREL_NETUID)' },
} as const satisfies Readonly<Record<string, Option>>;

export const RPC_OPTION: Option = {
  type: 'string',
  placeholder: 'url',
  help: 'a node of the chain, ws:// or wss://, to compare with what it holds',
};

/** The hotkey, network and subnet that were asked for; null where they were not. Throws `usage.invalid`. */
export function readExpected(
  command: Command,
  input: Input,
): Pick<Expectations, 'hotkey' | 'genesis' | 'netuid'> {
  const hotkey = input.value('hotkey') ?? null;
  if (hotkey !== null && !isSs58(hotkey))
    throw fault(command, '--hotkey', hotkey, 'an ss58 address with prefix 42 and a valid checksum');
  const genesis = input.value('genesis')?.replace(/^0x/, '') ?? null;
  if (genesis !== null && !/^[0-9a-f]{64}$/.test(genesis))
    throw fault(command, '--genesis', genesis, '64 lower-case hex digits');
  const text = input.value('netuid');
  const netuid = text === undefined ? null : wholeNumber(command, 'netuid', text, 0);
  return { hotkey, genesis, netuid };
}

/** The same, with what the settings say where nothing was asked for. */
export function readNetwork(
  command: Command,
  input: Input,
  io: Io,
): Readonly<{ genesis: string; netuid: number }> {
  const { genesis, netuid } = readExpected(command, input);
  const config = loadConfig(io.env);
  return {
    genesis: genesis ?? config.EIREL_CHAIN_GENESIS,
    netuid: netuid ?? config.EIREL_NETUID,
  };
}

function fault(command: Command, field: string, value: string, expected: string): AppError {
  return usage(command, { field, value, expected });
}
