/** What every object of the API has; its content is nobody's business here. */
export type Metadata = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  ownerReferences?: { kind: string; name: string; uid: string; blockOwnerDeletion?: boolean }[];
};
export type Tree = { [key: string]: unknown };
export type Stored = { kind: string; metadata: Metadata; spec?: Tree; status?: Tree } & Tree;

/** The plural names of the kinds that are served, each with its kind and group. */
export const RESOURCES = {
  configmaps: { kind: 'ConfigMap', group: 'v1' },
  services: { kind: 'Service', group: 'v1' },
  pods: { kind: 'Pod', group: 'v1' },
  events: { kind: 'Event', group: 'v1' },
  resourcequotas: { kind: 'ResourceQuota', group: 'v1' },
  jobs: { kind: 'Job', group: 'batch/v1' },
} as const;
export type ResourceName = keyof typeof RESOURCES;

/** The answer that the API gives instead of what was asked for. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386: objects are merged, null removes, everything else replaces. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return structuredClone(patch);
  const result: Tree = isTree(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** One text for equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    isTree(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

export function treeOf(value: unknown): Tree {
  return isTree(value) ? value : {};
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
