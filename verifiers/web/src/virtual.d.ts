/** What the build puts in: the worker as text, and the version. */
declare module "virtual:worker" {
  const source: string;
  export default source;
}
declare const __VERSION__: string;
