/** Lets our own TypeScript files import each other as `./name.js`, as Node will see them; packages are resolved as usual. */
module.exports = (path, options) => {
  if (/^\.{1,2}\/.*\.js$/.test(path) && !options.basedir.includes('node_modules')) {
    try {
      return options.defaultResolver(path.replace(/\.js$/, '.ts'), options)
    } catch {
      // a real .js file
    }
  }
  return options.defaultResolver(path, options)
}
