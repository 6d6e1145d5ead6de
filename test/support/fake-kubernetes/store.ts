import {
  canonical,
  merged,
  RESOURCES,
  Refusal,
  type ResourceName,
  type Stored,
  type Tree,
  textOf,
  treeOf,
} from './objects.ts';

export type Change = Readonly<{
  version: number;
  resource: ResourceName;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Stored;
  before: Stored | null;
}>;

/** As much as one namespace may hold; a kind that is not named has no limit. */
export type Quota = Partial<Record<ResourceName, number>>;

/**
 * The objects of a cluster with the rules of the API server that a reconcile meets: versions and UIDs, names taken,
 * preconditions, quotas, what is immutable, removal in the foreground, and garbage that goes with its owner.
 */
export class Store {
  readonly objects = new Map<string, Stored>();
  /** What changed, for watches; a compaction forgets the older ones. */
  readonly changes: Change[] = [];
  quota: Quota = {};
  /** How many requests changed something. */
  writes = 0;
  version = 100;
  compacted = 0;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #serial = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  all(resource: ResourceName, namespace?: string): Stored[] {
    return [...this.objects]
      .filter(([key]) =>
        key.startsWith(`${resource}/${namespace === undefined ? '' : `${namespace}/`}`),
      )
      .map(([, object]) => object);
  }

  get(resource: ResourceName, namespace: string, name: string): Stored {
    const object = this.objects.get(`${resource}/${namespace}/${name}`);
    if (object === undefined) throw new Refusal(404, 'NotFound', `${resource} "${name}" not found`);
    return object;
  }

  create(resource: ResourceName, namespace: string, body: Tree): Stored {
    const given = treeOf(body['metadata']);
    const name = textOf(given['name']);
    if (this.objects.has(`${resource}/${namespace}/${name}`))
      throw new Refusal(409, 'AlreadyExists', `${resource} "${name}" already exists`);
    const limit = this.quota[resource];
    if (limit !== undefined && this.all(resource, namespace).length >= limit)
      throw new Refusal(
        403,
        'Forbidden',
        `${resource} "${name}" is forbidden: exceeded quota: miners, requested: count/${resource}=1, used: ${limit}, limited: ${limit}`,
      );
    this.#serial += 1;
    const uid = `00000000-0000-4000-8000-${String(this.#serial).padStart(12, '0')}`;
    const creationTimestamp = this.time();
    const metadata = { ...given, name, namespace, uid, creationTimestamp, resourceVersion: '' };
    const spec =
      resource === 'services'
        ? { spec: { ...treeOf(body['spec']), clusterIP: `10.43.0.${this.#serial}` } }
        : {};
    const object = { ...structuredClone(body), ...spec, kind: RESOURCES[resource].kind, metadata };
    this.#put(resource, object, null);
    return object;
  }

  /** A server-side apply by the only manager that there is: creates, or changes what differs, or nothing. */
  apply(resource: ResourceName, namespace: string, name: string, body: Tree): Stored {
    return this.objects.has(`${resource}/${namespace}/${name}`)
      ? this.patch(resource, namespace, name, body)
      : this.create(resource, namespace, body);
  }

  patch(resource: ResourceName, namespace: string, name: string, patch: Tree): Stored {
    const before = this.get(resource, namespace, name);
    // safe: a patch of a stored object leaves it one; nothing here removes its metadata
    const after = merged(before, patch) as Stored;
    if (canonical(after) === canonical(before)) return before;
    if (
      resource === 'jobs' &&
      canonical(before.spec?.['template']) !== canonical(after.spec?.['template'])
    )
      throw new Refusal(422, 'Invalid', `Job.batch "${name}" is invalid: field is immutable`);
    if (
      before['immutable'] === true &&
      canonical(before['binaryData']) !== canonical(after['binaryData'])
    )
      throw new Refusal(422, 'Invalid', `ConfigMap "${name}" is invalid: field is immutable`);
    this.#put(resource, after, before);
    return after;
  }

  remove(resource: ResourceName, namespace: string, name: string, options: Tree = {}): void {
    const object = this.get(resource, namespace, name);
    const { uid } = treeOf(options['preconditions']);
    if (uid !== undefined && uid !== object.metadata.uid)
      throw new Refusal(409, 'Conflict', `the UID in the precondition (${textOf(uid)}) differs`);
    if (options['propagationPolicy'] !== 'Foreground') this.drop(resource, object);
    else if (object.metadata.deletionTimestamp === undefined)
      this.patch(resource, namespace, name, {
        metadata: { deletionTimestamp: this.time(), finalizers: ['foregroundDeletion'] },
      });
  }

  drop(resource: ResourceName, { metadata: { namespace, name } }: Stored): void {
    const object = this.get(resource, namespace, name);
    this.objects.delete(`${resource}/${namespace}/${name}`);
    this.#tell(resource, structuredClone(object), 'DELETED', object);
  }

  /** One step of the garbage collector; false when there is nothing left for it to do. */
  collect(): boolean {
    const everything = resourceNames.flatMap((resource) =>
      this.all(resource).map((object) => ({ resource, object })),
    );
    const byUid = new Map(everything.map((each) => [each.object.metadata.uid, each.object]));
    const ownersOf = ({ metadata }: Stored) => metadata.ownerReferences ?? [];
    for (const { resource, object } of everything) {
      const { namespace, name, uid, deletionTimestamp } = object.metadata;
      const owners = ownersOf(object).map((owner) => byUid.get(owner.uid));
      if (owners.length > 0 && owners.every((owner) => owner === undefined)) {
        this.drop(resource, object);
        return true;
      }
      if (deletionTimestamp === undefined) {
        if (owners.some((owner) => owner?.metadata.deletionTimestamp !== undefined)) {
          this.remove(resource, namespace, name, { propagationPolicy: 'Foreground' });
          return true;
        }
      } else if (
        !everything.some((other) => ownersOf(other.object).some((owner) => owner.uid === uid))
      ) {
        this.drop(resource, object);
        return true;
      }
    }
    return false;
  }

  /** All of a kind as it was at an earlier version, told by the changes that are remembered. */
  allAt(resource: ResourceName, namespace: string, version: number): Stored[] {
    const then = new Map<string, Stored>();
    for (const change of this.changes) {
      const { uid, namespace: within } = change.object.metadata;
      if (change.version > version || change.resource !== resource || within !== namespace)
        continue;
      if (change.type === 'DELETED') then.delete(uid);
      else then.set(uid, change.object);
    }
    return [...then.values()];
  }

  /** Forgets the changes so far: a watch from before them is too old. */
  compact(): void {
    this.compacted = this.version;
    this.changes.length = 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  time(): string {
    return new Date(this.#now()).toISOString();
  }

  #put(resource: ResourceName, object: Stored, before: Stored | null): void {
    const { namespace, name } = object.metadata;
    this.objects.set(`${resource}/${namespace}/${name}`, object);
    const old = before === null ? null : structuredClone(before);
    this.#tell(resource, object, before === null ? 'ADDED' : 'MODIFIED', old);
  }

  #tell(resource: ResourceName, object: Stored, type: Change['type'], before: Stored | null): void {
    this.version += 1;
    object.metadata.resourceVersion = String(this.version);
    const change = {
      version: this.version,
      resource,
      type,
      object: structuredClone(object),
      before,
    };
    this.changes.push(change);
    for (const listener of this.#listeners) listener();
  }
}

// safe: the keys of a constant object
const resourceNames = Object.keys(RESOURCES) as ResourceName[];
