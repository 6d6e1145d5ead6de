import { readFile } from 'node:fs/promises';
import { type Bundle, MAX_BUNDLE_BYTES, parseBundle } from '../audit/bundle.ts';
import { bodyOf } from '../audit/bundle-report.ts';
import { BUNDLE_CODES, type BundleStep, type OnChain } from '../audit/bundle-step.ts';
import { checkBundle, isClean } from '../audit/check-bundle.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { headerOf } from '../consensus/commitment-proof.ts';
import { AppError } from '../errors.ts';
import { parsePolicy } from '../merkle/tlog-policy.ts';
import { type Node, openNode } from './audit/open-node.ts';
import { EXPECTED_OPTIONS, RPC_OPTION, readExpected, readNetwork } from './audit/options.ts';
import { table } from './audit/tell.ts';
import { type Command, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { sizeOfFile } from './read-lines.ts';

export const auditBundleCommand: Command = {
  name: 'audit bundle',
  summary: 'Check the bundle of a report, offline: that it is genuine, logged, and committed to.',
  arguments: ['file'],
  options: {
    ...EXPECTED_OPTIONS,
    hotkey: { ...EXPECTED_OPTIONS.hotkey, help: 'whose report it has to be; it must be given' },
    policy: {
      type: 'string',
      placeholder: 'file',
      help: 'a C2SP tlog-policy: the witnesses whose cosignatures you ask for',
    },
    rpc: RPC_OPTION,
    json: JSON_OPTION,
  },
  details:
    'Nothing in the file is trusted. Each of the codes B01 to B14 is passed, failed, or not checked with the reason. Exit code 4 when one failed.',
  settings: ['EIREL_CHAIN_GENESIS', 'EIREL_NETUID'],
  run: async (input, io) => {
    const [file = ''] = input.arguments;
    const { hotkey } = readExpected(auditBundleCommand, input);
    const network = readNetwork(auditBundleCommand, input, io);
    if (hotkey === null) {
      const expected = 'the hotkey that the report has to be of';
      throw usage(auditBundleCommand, { field: '--hotkey', value: 'nothing', expected });
    }
    const bytes = await readWhole(file, MAX_BUNDLE_BYTES + 1);
    const path = input.value('policy');
    const policy = path === undefined ? null : parsePolicy(await readWhole(path, MAX_BUNDLE_BYTES));
    await cryptoReady();
    const rpc = input.value('rpc');
    await using node = rpc === undefined ? null : await openNode(rpc, network, io);
    const parsed = parseBundle(bytes);
    const onChain =
      node === null || 'fault' in parsed ? null : await askChain(parsed.bundle, hotkey, node);
    const expected = { hotkey, ...network, policy, now: Math.floor(Date.now() / 1_000) };
    const steps = checkBundle(bytes, expected, { verify: verifySr25519, blake2b256 }, onChain);
    io.out(input.flag('json') ? `${JSON.stringify({ steps })}\n` : tellSteps(steps));
    return isClean(steps) ? EXIT.ok : EXIT.mismatch;
  },
};

/** A file of at most so many bytes. Throws `file.unreadable`. */
async function readWhole(file: string, maxBytes: number): Promise<Uint8Array> {
  if ((await sizeOfFile(file)) > maxBytes)
    throw new AppError('file.unreadable', { file, expected: `at most ${maxBytes} bytes` });
  return readFile(file).catch((cause: unknown) => {
    throw new AppError('file.unreadable', { file, expected: 'a readable file' }, { cause });
  });
}

/** What a node says of the block that the bundle names, and of the slot until then. */
async function askChain(
  { report, commitment }: Bundle,
  hotkey: string,
  { chain, block: head }: Node,
): Promise<OnChain | null> {
  if (commitment === null) return null;
  const { block, readProof } = commitment;
  const later = { known: false, detail: `block ${block} is not final at this node` } as const;
  if (block > head) return { inBlock: later, slots: later, blockHash: null };
  const stored = readProof.kind === 'taken' ? headerOf(Buffer.from(readProof.header, 'hex')) : null;
  const signed = await chain.commitmentExtrinsics(hotkey, [block]);
  const snapshot = bodyOf(report.body)?.snapshotBlock;
  const slots =
    snapshot === undefined || snapshot >= block
      ? ({ known: false, detail: 'the report names no snapshot block before it' } as const)
      : await chain.commitments([hotkey], { after: snapshot, upTo: block });
  return {
    blockHash: stored === null ? null : await chain.blockHash(stored.number),
    inBlock: signed.known
      ? {
          known: true,
          value: signed.value.flatMap((each) =>
            each.kind === 'signed' ? [each.statement.extrinsic] : [],
          ),
        }
      : signed,
    slots: slots.known
      ? {
          known: true,
          value: slots.value.map(({ block, fields }) => ({ block, text: fields[0] ?? null })),
        }
      : slots,
  };
}

function tellSteps(steps: readonly BundleStep[]): string {
  const rows = steps.map(({ code, verdict, detail }) => {
    const told = verdict === 'passed' ? 'passed' : `${verdict.replace('-', ' ')}: ${detail}`;
    return [code, `${BUNDLE_CODES[code]}: ${told}`] as const;
  });
  const failed = steps.filter(({ verdict }) => verdict === 'failed').length;
  const open = steps.filter(({ verdict }) => verdict === 'not-checked').length;
  const end =
    failed === 0 ? `genuine, as far as it was checked: ${open} not checked` : `${failed} failed`;
  return `${table(rows)}\n${end}\n`;
}
