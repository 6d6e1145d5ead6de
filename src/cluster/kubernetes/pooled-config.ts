import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import { AppError } from '../../errors.ts';

/** A server under load answers a list within a second or two; what takes longer is retried, or unknown. */
const REQUEST_TIMEOUT_MS = 15_000;

type Way = ReturnType<KubeConfig['createDispatcherOptions']>;

/**
 * How to reach the cluster, with one pool of connections for all requests (the client makes a new one for each) and a
 * time-out on every one (the client has none). A kubeconfig that is written anew is read anew, before the next request
 * and never in between: its token ends within a day, its server moves, its certificates are replaced, and the client
 * itself reads none again that stands in the file.
 */
export class PooledKubeConfig extends KubeConfig {
  #pool: Dispatcher | undefined;
  /** What tells the pool's connections from those of another server, or with other certificates. */
  #way = '';
  #file: Readonly<{ path: string; version: string | null }> | undefined;
  #server: string | undefined;

  /** Reads a kubeconfig, and again before each request for which it has changed. Throws where it cannot be read now. */
  follow(path: string): void {
    this.loadFromFile(path);
    this.#file = { path, version: null };
    this.#server = this.getCurrentCluster()?.server;
  }

  /** The server to which every request is addressed, by whoever makes it; it is sent to where that one is by now. */
  get server(): string {
    return this.#server ?? this.getCurrentCluster()?.server ?? '';
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await this.#readAnew();
    const [addressed, now] = [baseOf(this.server), baseOf(this.getCurrentCluster()?.server ?? '')];
    const url = context.getUrl();
    if (url.startsWith(addressed)) context.setUrl(`${now}${url.slice(addressed.length)}`);
    await super.applySecurityAuthentication(context);
    this.#pool = context.getDispatcher() ?? this.#pool ?? new Agent();
    context.setDispatcher(this.#pool);
    context.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  /** The client asks for the way of each request: there is a pool already, unless it is another way than the last. */
  override createDispatcherOptions(
    ...given: Parameters<KubeConfig['createDispatcherOptions']>
  ): Way {
    const options = super.createDispatcherOptions(...given);
    const way = createHash('sha256')
      .update(JSON.stringify([given[0]?.server, options]))
      .digest('hex');
    if (way === this.#way) return { type: 'none' };
    // Closes when the requests that it has are done.
    void this.#pool?.close();
    this.#pool = undefined;
    this.#way = way;
    return options;
  }

  /** A file that is gone or half written changes nothing: the server tells what our token is worth. */
  async #readAnew(): Promise<void> {
    if (this.#file === undefined) return;
    const { path, version: before } = this.#file;
    const version = await versionOf(path);
    if (version === null || version === before) return;
    const read = readWhole(path);
    if (read === null) return;
    const { clusters, users, contexts, currentContext } = read;
    this.loadFromOptions({ clusters, users, contexts, currentContext });
    this.#file = { path, version };
  }

  /** Ends the connections with what is under way on them. */
  async close(): Promise<void> {
    await this.#pool?.destroy();
    this.#pool = undefined;
    this.#way = '';
  }
}

/** Reads a kubeconfig, or as a pod the service account's files. Throws `config.invalid`. */
export function loadKubeConfig(file: string | undefined): PooledKubeConfig {
  const config = new PooledKubeConfig();
  try {
    if (file === undefined) config.loadFromCluster();
    else config.follow(file);
    if (config.getCurrentCluster() === null) throw new Error('it names no current cluster');
    return config;
  } catch (cause) {
    throw new AppError(
      'config.invalid',
      {
        faults: [
          `EIREL_KUBECONFIG: ${file ?? 'not set, and this is no pod of a cluster'}: cannot be read as the way to a cluster`,
        ],
      },
      { cause },
    );
  }
}

/** As requests begin with it. */
function baseOf(server: string): string {
  return server === '' ? '' : new URL(server).href.replace(/\/$/, '');
}

/** What tells one writing of a file from another; null where there is none. */
async function versionOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}/${size}/${mtimeMs}`;
  } catch {
    return null;
  }
}

/** A kubeconfig with a cluster and a user; null while it is not whole. */
function readWhole(path: string): KubeConfig | null {
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch {
    return null;
  }
  return config.getCurrentCluster() === null || config.getCurrentUser() === null ? null : config;
}
