import { isOlderVersion, RECOMMENDED_NATS_SERVER } from '../../runtime/nats-server-version.ts';
import { type Finding, fault, type Looked, ok, unknown, warning } from './finding.ts';
import type { SigningDirectory } from './look-at-files.ts';

/** A year of a busy subnet's log and its projections take less. */
const MIN_FREE_BYTES = 10 * 1_024 ** 3;

/** Whether the settings say all that a validator has to know. */
export function checkSettings(faults: readonly string[]): Finding {
  return faults.length === 0
    ? ok('settings', 'complete')
    : fault('settings', faults.join('; '), '`eirel validator --help` says what each is for');
}

/** Whether the hotkey can be used. */
export function checkKey(key: Looked<{ hotkey: string }>): Finding {
  return 'reason' in key
    ? fault('key', key.reason, '`eirel keys --help` says which files there are')
    : ok('key', key.value.hotkey);
}

/** What stands as this validator's axon on chain, and what answers there. */
export function checkAxon(
  axon: Looked<string | null>,
  answer: Looked<{ hotkey: string }>,
  { hotkey }: Readonly<{ hotkey: string | null }>,
): Finding {
  if ('reason' in axon) return unknown('axon', axon.reason);
  if (axon.value === null)
    return fault(
      'axon',
      'none on chain: peers cannot fetch the report',
      '`eirel axon serve http://ADDRESS:PORT`, with the address that peers reach this validator at',
    );
  if ('reason' in answer)
    return fault(
      'axon',
      `${axon.value}: ${answer.reason}`,
      'start the validator, open the port, or `eirel axon serve` the address that peers reach',
    );
  return answer.value.hotkey === hotkey
    ? ok('axon', `${axon.value} answers`)
    : fault(
        'axon',
        `${axon.value} answers as ${answer.value.hotkey}`,
        '`eirel axon serve` the address of this validator',
      );
}

/** The log's server, and whether its stream is as configured. */
export function checkNats(
  nats: Looked<{ version: string; drift: readonly string[] }>,
): readonly Finding[] {
  if ('reason' in nats)
    return [
      fault(
        'nats',
        nats.reason,
        'see EIREL_NATS_URL, EIREL_NATS_USER and EIREL_NATS_PASSWORD_FILE',
      ),
      unknown('stream', 'the nats-server does not answer'),
    ];
  const { version, drift } = nats.value;
  return [
    isOlderVersion(version, RECOMMENDED_NATS_SERVER)
      ? warning(
          'nats',
          `nats-server ${version}`,
          `${RECOMMENDED_NATS_SERVER} repairs ways to lose writes`,
        )
      : ok('nats', `nats-server ${version}`),
    drift.length === 0
      ? ok('stream', 'as configured')
      : fault(
          'stream',
          drift.join('; '),
          '`eirel streams apply`, as admin, creates one that is missing; one that was changed is restored by hand',
        ),
  ];
}

/** Room for the log's projections. */
export function checkDisk(disk: Looked<{ path: string; freeBytes: number }>): Finding {
  if ('reason' in disk)
    return fault('disk', disk.reason, 'make EIREL_DATA_DIR a folder that this user may write');
  const { path, freeBytes } = disk.value;
  const found = `${(freeBytes / 1_024 ** 3).toFixed(1)} GiB free at ${path}`;
  return freeBytes < MIN_FREE_BYTES
    ? warning('disk', found, 'make room: a full disk stops the validator')
    : ok('disk', found);
}

/** What was signed, and the log's keys: for this user alone, all of one place, and away from the log. */
export function checkSigning(signing: Looked<SigningDirectory>): Finding {
  if ('reason' in signing)
    return fault(
      'signing',
      signing.reason,
      'make EIREL_SIGNING_DIR a folder that this user may write',
    );
  const { path, mode, besideData } = signing.value;
  const broken = brokenPart(signing.value);
  if (broken !== null) return fault('signing', ...broken);
  if (mode !== null && (mode & 0o077) !== 0)
    return warning(
      'signing',
      `${path} is open to others, mode ${octal(mode)}`,
      `chmod 700 ${path}`,
    );
  if (besideData === true)
    return warning(
      'signing',
      `${path} is on the file system of EIREL_DATA_DIR`,
      'put it on another disk, away from EIREL_DATA_DIR and the nats-server: whoever restores those must not restore it',
    );
  return ok('signing', mode === null ? `${path} is made at the start` : path);
}

/** What the validator would refuse to start with, and how it is mended. */
function brokenPart({ path, database, keys }: SigningDirectory): [string, string] | null {
  const open = keys.find(({ mode }) => mode !== null && (mode & 0o077) !== 0);
  if (open !== undefined)
    return [
      `${path}/${open.name} is open to others, mode ${octal(open.mode ?? 0)}`,
      `chmod 600 ${path}/${open.name}`,
    ];
  const missing = keys.filter(({ mode }) => mode === null).map(({ name }) => name);
  if (database === null && missing.length < keys.length)
    return [
      `${path} has keys and no signing.db`,
      'bring back signing.db; never an older copy: docs/operating.md',
    ];
  if (database !== null && missing.length > 0 && missing.length < keys.length)
    return [
      `${path} lacks ${missing.join(', ')}`,
      'copy the keys from where this signing.db comes from',
    ];
  return null;
}

function octal(mode: number): string {
  return mode.toString(8);
}
