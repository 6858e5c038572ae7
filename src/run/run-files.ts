/** The files of a run, wherever they lie: a folder, a web server, or files that were dropped on a page. */
export interface RunFiles {
  /** Of the run, for messages: its path or address. */
  readonly name: string;
  /** The bytes of a file of the run, undefined where it has none of this name. */
  read(file: string): Promise<Uint8Array | undefined>;
}

/** A file that is in memory or can be brought there: Blobs and Files are ones. */
export interface FileContent {
  readonly name?: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Where a run is: in Node a folder's path; anywhere an address, or its files (a FileList, or bytes by name). */
export type RunSource = string | URL | Iterable<FileContent> | Readonly<Record<string, Uint8Array | FileContent>>;
