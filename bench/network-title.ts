/** What a network is called in tables: a bundled one by its name, a file by its own, or by its folder's where it is one of many `model.onnx`. */
export function networkTitle(fileOrName: string): string {
  return fileOrName.replace(/\/model(?=\.onnx$)/, '').replace(/^.*\//, '');
}
