// A view of one thing.

export interface Tab<Name extends string> {
  name: Name;
  word: string;
  count?: string;
}
