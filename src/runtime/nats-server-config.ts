import { AppError } from '../errors.ts';
import { allSubjects, type LogName } from '../events/subjects.ts';

/**
 * What a credential may do in its account. `admin` everything: it alone creates and changes streams.
 * `writer` appends to the account's logs, reads them and answers commands. `reader` reads.
 * `operator` reads and sends commands.
 */
export type NatsRole = 'admin' | 'writer' | 'reader' | 'operator';

/**
 * One authority on the server: its logs, invisible to the other accounts, and the passwords of its
 * credentials. A log of another authority belongs into an account of its own.
 */
export type NatsAccount = Readonly<{
  name: string;
  logs: readonly LogName[];
  passwords: Readonly<Partial<Record<NatsRole, string>>>;
}>;

/** How a client signs in. Replies come to an inbox that no other credential can read or write. */
export type NatsCredential = Readonly<{ user: string; pass: string; inboxPrefix: string }>;

/** A payload is at most 65,535 bytes (max_msg_size of the streams); headers and API replies need the rest. */
const MAX_PAYLOAD_BYTES = 1_048_576;

/** Names become part of subjects: no dot, no wildcard, no space. */
const ACCOUNT_NAME = /^[A-Za-z0-9-]{1,64}$/;

/**
 * Configuration text of a nats-server for one machine: loopback only, an account for each authority,
 * every acknowledged append on disk. Port -1 takes a free one. Throws `input.invalid` for an account
 * name that can't be part of a subject or is given twice.
 */
export function localServerConfig(options: {
  storeDir: string;
  accounts: readonly NatsAccount[];
  port?: number;
}): string {
  const { storeDir, accounts, port = -1 } = options;
  const names = accounts.map(({ name }) => name);
  const bad = names.find((name, i) => !ACCOUNT_NAME.test(name) || names.indexOf(name) !== i);
  if (bad !== undefined) {
    throw new AppError('input.invalid', {
      field: 'account name',
      value: bad,
      expected: 'letters, digits and hyphens, at most 64, each name once',
    });
  }
  // The server's configuration language takes JSON, and JSON quotes what paths and passwords may hold.
  const config = {
    host: '127.0.0.1',
    port,
    max_payload: MAX_PAYLOAD_BYTES,
    jetstream: {
      store_dir: storeDir,
      // An acknowledgement means written to disk: the default loses minutes of them in a power cut.
      sync_interval: 'always',
      strict: true,
    },
    accounts: Object.fromEntries(accounts.map((account) => [account.name, accountConfig(account)])),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The credential of `role` in `account`. Throws `input.invalid` when the account has no such role. */
export function natsCredential(account: NatsAccount, role: NatsRole): NatsCredential {
  const pass = account.passwords[role];
  if (pass === undefined) {
    const expected = Object.keys(account.passwords);
    throw new AppError('input.invalid', {
      field: `role of ${account.name}`,
      value: role,
      expected,
    });
  }
  return { user: userName(account.name, role), pass, inboxPrefix: inbox(account.name, role) };
}

function accountConfig({ name, logs, passwords }: NatsAccount): object {
  const users = ROLES.filter((role) => passwords[role] !== undefined).map((role) => ({
    user: userName(name, role),
    password: passwords[role],
    ...(role === 'admin' ? {} : { permissions: permissions[role](name, logs) }),
  }));
  return { jetstream: 'enabled', users };
}

const ROLES: readonly NatsRole[] = ['admin', 'writer', 'reader', 'operator'];

type Permissions = Readonly<Record<'publish' | 'subscribe', { allow: readonly string[] }>>;

const permissions: Record<
  Exclude<NatsRole, 'admin'>,
  (account: string, logs: readonly LogName[]) => Permissions
> = {
  // Nobody but the administrator creates consumers: the server publishes to a consumer's deliver_subject,
  // so whoever may create one can put messages into any stream of the account.
  writer: (account, logs) => ({
    publish: {
      allow: [
        ...logs.flatMap((log) => [allSubjects(log), ...reads(log)]),
        // A second process of the same writer asks whether a first one is alive, and gets its answer.
        ...logs.map((log) => `cmd.${log}.presence`),
        `${inbox(account, 'writer')}.>`,
        // Commands are answered to the operator's inbox alone: whoever asks chooses the reply subject.
        `${inbox(account, 'operator')}.>`,
      ],
    },
    subscribe: { allow: [`${inbox(account, 'writer')}.>`, ...logs.map(commandsOf)] },
  }),
  reader: (account, logs) => ({
    publish: { allow: logs.flatMap(reads) },
    subscribe: { allow: [`${inbox(account, 'reader')}.>`, ...logs.map(allSubjects)] },
  }),
  operator: (account, logs) => ({
    publish: { allow: [...logs.flatMap(reads), ...logs.map(commandsOf)] },
    subscribe: { allow: [`${inbox(account, 'operator')}.>`, ...logs.map(allSubjects)] },
  }),
};

/** Stateless reads of a log: its state, a batch by position, one event. There are no consumers. */
function reads(log: LogName): readonly string[] {
  return [
    `$JS.API.STREAM.INFO.${log}`,
    `$JS.API.STREAM.MSG.GET.${log}`,
    `$JS.API.DIRECT.GET.${log}`,
  ];
}

/** What an operator asks of the process that writes a log. */
function commandsOf(log: LogName): string {
  return `cmd.${log}.>`;
}

function userName(account: string, role: NatsRole): string {
  return `${account}_${role}`;
}

function inbox(account: string, role: NatsRole): string {
  return `_INBOX_${userName(account, role)}`;
}
