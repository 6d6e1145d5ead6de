import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { evaluate } from './cel.ts';

type Named = { kind: string; metadata: { name: string } };
type Policy = Named & {
  spec: {
    paramKind?: object;
    matchConstraints: { resourceRules: { operations: string[]; resources: string[] }[] };
    matchConditions?: { expression: string }[];
    variables?: { name: string; expression: string }[];
    validations: { message: string; expression: string }[];
    failurePolicy: string;
  };
};
type Binding = Named & { spec: { validationActions: string[]; matchResources: object } };

const documents = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../deploy/k8s/miners/admission.yaml'), 'utf8'),
).map((document) => document.toJS() as Policy | Binding); // safe: what is read of it is asserted by the tests

/** The admission policies that are deployed, and what binds them. */
export const policies = documents.filter(
  (each): each is Policy => each.kind === 'ValidatingAdmissionPolicy',
);
export const bindings = documents.filter(
  (each): each is Binding => each.kind === 'ValidatingAdmissionPolicyBinding',
);

/** The account by which the validator makes objects. */
export const VALIDATOR = 'system:serviceaccount:eirel-system:validator';

/** One write among the miners, as the API server puts it before the policies. */
export type Write = Readonly<{
  operation: 'CREATE' | 'UPDATE';
  /** The plural of the kind, with the subresource. */
  resource: string;
  object: object;
  oldObject?: object | undefined;
  /** What `miner-images` holds; null where it is not there. */
  params: object | null;
  user: string;
}>;

/** The messages with which the policies refuse a write. */
export function refused({
  operation,
  resource,
  params,
  user,
  ...objects
}: Write): readonly string[] {
  const request = { userInfo: { username: user } };
  return policies
    .filter(({ spec }) =>
      spec.matchConstraints.resourceRules.some(
        (rule) => rule.operations.includes(operation) && rule.resources.includes(resource),
      ),
    )
    .filter(({ spec }) =>
      (spec.matchConditions ?? []).every(({ expression }) => holds(expression, { request })),
    )
    .flatMap(({ spec }) => {
      // What the binding says is decided before anything of the policy is looked at.
      if (spec.paramKind !== undefined && params === null) return ['no parameters'];
      const names = { oldObject: undefined, ...objects, params };
      const variables = Object.fromEntries(
        (spec.variables ?? []).map((each) => [each.name, evaluate(each.expression, names)]),
      );
      return spec.validations
        .filter(({ expression }) => !holds(expression, { ...names, variables }))
        .map(({ message }) => message);
    });
}

function holds(expression: string, names: Record<string, unknown>): boolean {
  try {
    return evaluate(expression, names) === true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
