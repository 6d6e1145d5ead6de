import { type Stored, treeOf } from './objects.ts';

/** Whether the selectors of a request choose an object: labels by equality, fields by equality of what events have. */
export function isSelected(object: Stored, url: URL): boolean {
  const labels = terms(url.searchParams.get('labelSelector'));
  const fields = terms(url.searchParams.get('fieldSelector'));
  const fieldOf = (path: string): unknown =>
    path.split('.').reduce<unknown>((at, key) => treeOf(at)[key], object);
  return (
    labels.every(([key, value]) => object.metadata.labels?.[key] === value) &&
    fields.every(([path, value]) => fieldOf(path) === value)
  );
}

function terms(selector: string | null): [string, string][] {
  return (selector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [key = '', value = ''] = term.split(/==?/);
      return [key, value];
    });
}

/** Whether a request asks for names and labels alone. */
export function isBare(accept: string): boolean {
  return accept.includes('as=PartialObjectMetadata');
}

/** An object in the form that a request asks for. */
export function shownAs(object: Stored, accept: string): object {
  return isBare(accept)
    ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
    : object;
}
