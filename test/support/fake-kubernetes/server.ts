import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Fate, type FateOf, stepJobs } from './controllers.ts';
import { merged, RESOURCES, Refusal, type ResourceName, type Tree, treeOf } from './objects.ts';
import { isBare, isSelected, shownAs } from './select.ts';
import { Store } from './store.ts';
import { type OpenWatch, serveWatch, type WatchFault } from './watch.ts';

/** How a request is spoilt: answered with an error, or cut off before or after it took effect. */
export type Fault =
  | Readonly<{ kind: 'answer'; status: number; message: string; retryAfter?: number }>
  | Readonly<{ kind: 'cut-before' }>
  | Readonly<{ kind: 'cut-after' }>;

/** What the policies of a cluster say of a write that somebody asks for. */
type Admit = (
  write: Readonly<{
    operation: 'CREATE' | 'UPDATE';
    resource: ResourceName;
    object: object;
    oldObject: object | undefined;
  }>,
) => readonly string[];

type WatchFaultOf = (resource: ResourceName) => WatchFault | null;
type Asked = Readonly<{ method: string; resource: ResourceName; name: string | null }>;

/** A time at which everything begins. */
const BEGIN = Date.parse('2026-11-29T12:00:00Z');

const PATH =
  /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/([a-z0-9-]+)\/([a-z]+)(?:\/([a-z0-9.-]+))?$/;

/**
 * A small API server, over real HTTP: the kinds and verbs that the runtimes use, with a Job controller and a garbage
 * collector on a clock of its own. Its expectations are also held against a real one, where there is one.
 */
export async function fakeKubernetes() {
  const clock = { now: BEGIN };
  const store = new Store(() => clock.now);
  const state = {
    fateOf: ((): Fate => ({ kind: 'ready' })) as FateOf, // safe: widened, so that a test may set another
    faultOf: ((): Fault | null => null) as (asked: Asked) => Fault | null, // safe: as above
    /** Whether the controllers act at once after each write; else when they are told to. */
    automatic: true,
    requests: [] as string[],
    watches: new Set<OpenWatch>(),
    watchFaultOf: ((): WatchFault | null => null) as WatchFaultOf, // safe: as above
    /** A server that lags behind lists what was true at this version; null for one that does not. */
    listsAt: null as number | null,
    /** Why a write is not admitted; nothing where it is. */
    admit: ((): readonly string[] => []) as Admit, // safe: as above
    /** No answer to a list has more objects than this. */
    pageLimit: Number.POSITIVE_INFINITY,
  };
  const settle = () => {
    while (store.collect() || stepJobs(store, clock.now, state.fateOf));
  };
  const server = createServer((req, res) => {
    answer(req, res, { store, state, settle }).catch((error: unknown) =>
      res.destroy(error as Error),
    ); // safe: only errors are thrown here
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    state,
    settle,
    now: () => clock.now,
    /** Lets time pass, and what comes with it. */
    pass: (ms: number) => {
      clock.now += ms;
      settle();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

type Inside = Readonly<{
  store: Store;
  state: {
    fateOf: FateOf;
    faultOf: (asked: Asked) => Fault | null;
    automatic: boolean;
    requests: string[];
    watches: Set<OpenWatch>;
    watchFaultOf: WatchFaultOf;
    listsAt: number | null;
    pageLimit: number;
    admit: Admit;
  };
  settle: () => void;
}>;

async function answer(req: IncomingMessage, res: ServerResponse, inside: Inside): Promise<void> {
  const { store, state, settle } = inside;
  const url = new URL(req.url ?? '/', 'http://localhost');
  const [, namespace = '', plural = '', name = null] = PATH.exec(url.pathname) ?? [];
  const body = await bodyOf(req);
  const resource = isResource(plural) ? plural : null;
  if (resource === null) return send(res, 404, failure(404, 'NotFound', url.pathname));
  const method = req.method ?? 'GET';
  state.requests.push(`${method} ${plural}${name === null ? '' : `/${name}`}`);
  const fault = state.faultOf({ method, resource, name });
  if (fault?.kind === 'cut-before') return void res.destroy();
  if (fault?.kind === 'answer') {
    const { status, message, retryAfter } = fault;
    if (retryAfter !== undefined) res.setHeader('Retry-After', String(retryAfter));
    return send(res, status, failure(status, 'Fault', message));
  }
  try {
    if (url.searchParams.get('watch') === 'true') {
      const accept = req.headers.accept ?? '';
      const spoilt = state.watchFaultOf(resource);
      const asked = { url, accept, resource, namespace, fault: spoilt };
      return serveWatch(res, asked, store, state.watches);
    }
    const result = perform({ req, resource, namespace, name, url, body }, inside);
    if (method !== 'GET') {
      store.writes += 1;
      if (state.automatic) settle();
    }
    if (fault?.kind === 'cut-after') return void res.destroy();
    send(res, method === 'POST' ? 201 : 200, result);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(res, error.status, failure(error.status, error.reason, error.message));
  }
}

function perform(
  asked: Readonly<{
    req: IncomingMessage;
    resource: ResourceName;
    namespace: string;
    name: string | null;
    url: URL;
    body: Tree;
  }>,
  { store, state }: Inside,
): object {
  const { req, resource, namespace, name, url, body } = asked;
  const type = req.headers['content-type'] ?? '';
  if (req.method === 'POST') {
    admitted(resource, body, undefined, state.admit);
    return store.create(resource, namespace, body);
  }
  if (name === null) return list(asked, store, state);
  if (req.method === 'GET') return store.get(resource, namespace, name);
  if (req.method === 'DELETE') {
    store.remove(resource, namespace, name, body);
    return failure(200, '', 'Success');
  }
  const before = store.objects.get(`${resource}/${namespace}/${name}`);
  admitted(resource, merged(before ?? {}, body), before, state.admit);
  if (req.method !== 'PATCH') throw new Refusal(405, 'MethodNotAllowed', String(req.method));
  if (type.startsWith('application/apply-patch+yaml')) {
    if (url.searchParams.get('fieldManager') === null)
      throw new Refusal(400, 'BadRequest', 'fieldManager is required for apply patch');
    return store.apply(resource, namespace, name, body);
  }
  if (!type.startsWith('application/merge-patch+json'))
    throw new Refusal(415, 'UnsupportedMediaType', type);
  return store.patch(resource, namespace, name, body);
}

function admitted(
  resource: ResourceName,
  after: unknown,
  oldObject: object | undefined,
  admit: Admit,
): void {
  const object = { kind: RESOURCES[resource].kind, ...treeOf(after) };
  const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
  const [why] = admit({ operation, resource, object, oldObject });
  if (why !== undefined)
    throw new Refusal(422, 'Invalid', `ValidatingAdmissionPolicy denied request: ${why}`);
}

function list(
  {
    req,
    resource,
    namespace,
    url,
  }: Readonly<{ req: IncomingMessage; resource: ResourceName; namespace: string; url: URL }>,
  store: Store,
  { listsAt, pageLimit }: Pick<Inside['state'], 'listsAt' | 'pageLimit'>,
): object {
  const { kind, group } = RESOURCES[resource];
  const accept = req.headers.accept ?? '';
  const all =
    listsAt === null ? store.all(resource, namespace) : store.allAt(resource, namespace, listsAt);
  const items = all.filter((object) => isSelected(object, url));
  const from = Number(url.searchParams.get('continue') ?? '0');
  const size = Math.min(pageLimit, Number(url.searchParams.get('limit') ?? 'Infinity'));
  const end = from + size;
  const next = end < items.length ? { continue: String(end) } : {};
  return {
    kind: isBare(accept) ? 'PartialObjectMetadataList' : `${kind}List`,
    apiVersion: isBare(accept) ? 'meta.k8s.io/v1' : group,
    metadata: { resourceVersion: String(listsAt ?? store.version), ...next },
    items: items.slice(from, end).map((object) => shownAs(object, accept)),
  };
}

function failure(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

function isResource(plural: string): plural is ResourceName {
  return plural in RESOURCES;
}

async function bodyOf(req: IncomingMessage): Promise<Tree> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : treeOf(JSON.parse(text));
}

function send(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}
