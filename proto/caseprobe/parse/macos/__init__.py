"""What macOS' own tools print: system_profiler as JSON, diskutil as a property list, vm_stat and df."""
