/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The fields of CPython that we read: PY_FIELD (name) for each. Included where PY_FIELD says what to make of
 * them, so it has no guard: members of PyLayout, lines of a generated table (tools/py-layout/generate.c says
 * where each lies). In bytes from the beginning of the structure, unless a line says something else.
 *
 * PY_MOVING_FIELD: likewise, but of a structure that patch releases of CPython 3.13+ do change. There the
 * interpreter's debug offsets override the table; on all other fields that they give, they must agree with
 * it.
 */

#ifndef PY_MOVING_FIELD
#define PY_MOVING_FIELD(name) PY_FIELD (name)
#endif

/* struct pyruntimestate */
PY_MOVING_FIELD (runtime_finalizing)   /* the thread state that ends Python; NULL while it runs */
PY_MOVING_FIELD (runtime_interpreters) /* head of the list of interpreters, newest first */
PY_FIELD (runtime_main_thread)         /* ident of the main thread */
PY_FIELD (runtime_gil)                 /* 3.11: the only GIL itself */

/* PyInterpreterState */
PY_MOVING_FIELD (interp_next)
PY_MOVING_FIELD (interp_id)      /* int64; the main interpreter is 0 */
PY_MOVING_FIELD (interp_threads) /* head of the list of thread states, newest first */
PY_MOVING_FIELD (interp_modules) /* sys.modules */
PY_MOVING_FIELD (interp_gil)     /* 3.12+: address of its GIL, its own or the main interpreter's */
PY_MOVING_FIELD (interp_gc)      /* struct _gc_runtime_state itself */

/* struct _gc_runtime_state */
PY_MOVING_FIELD (gc_collecting) /* int: 1 while a collection runs */
PY_FIELD (gc_generation0)       /* address of the first generation's head (3.14.0 to 3.14.4: has none) */
PY_FIELD (gc_permanent)         /* head of the permanent generation */
PY_FIELD (gc_head_size)         /* of PyGC_Head, which lies before each object that the collector tracks */

/* struct _gil_runtime_state */
PY_FIELD (gil_last_holder)   /* the thread state that has or last had it */
PY_FIELD (gil_locked)        /* int: 1 taken, 0 free, -1 not made yet */
PY_FIELD (gil_switch_number) /* unsigned long: how often it went to another thread state */

/* PyThreadState */
PY_FIELD (tstate_next)
PY_FIELD (tstate_interp)
PY_FIELD (tstate_thread_id)        /* unsigned long: threading.get_ident() */
PY_FIELD (tstate_native_thread_id) /* unsigned long: threading.get_native_id() */
PY_FIELD (tstate_cframe)          /* 3.11, 3.12: address of what holds current_frame, mostly on the C stack */
PY_FIELD (tstate_current_frame)   /* 3.13+: the innermost frame */
PY_FIELD (tstate_base_frame)      /* 3.15+: address of the frame at which every chain ends */
PY_FIELD (tstate_datastack_chunk) /* newest chunk of the data stack */
PY_FIELD (tstate_datastack_top)   /* address of its first free slot */

PY_FIELD (tstate_dict)            /* 3.11, 3.12: what PyThreadState_GetDict() returns */

/* _PyCFrame: 3.11, 3.12 */
PY_FIELD (cframe_current_frame)

/* _PyInterpreterFrame */
PY_FIELD (iframe_code)        /* f_code, f_executable; with tag bits from 3.14 on */
PY_FIELD (iframe_previous)    /* the caller's frame */
PY_FIELD (iframe_instruction) /* prev_instr, instr_ptr */
PY_FIELD (iframe_owner)       /* char: 0 data stack, 1 generator, 2 frame object, 3 and more: entry from C */
PY_FIELD (iframe_is_entry)    /* 3.11: bool: C code called this frame */
PY_FIELD (iframe_locals)      /* the first slot: local variables, then the stack of values */
PY_FIELD (iframe_stack_top)   /* 3.11 to 3.13: int: slots in use */
PY_FIELD (iframe_stack_end)   /* 3.14+: address of the first slot not in use */
PY_FIELD (iframe_function)    /* f_func, f_funcobj; with tag bits from 3.14 on */
PY_FIELD (iframe_namespace)   /* f_locals */
PY_FIELD (iframe_object)      /* frame_obj */
PY_FIELD (iframe_tlbc_index)  /* 3.14+, free-threaded: int32: which copy of the bytecode runs */

/* _PyStackChunk */
PY_FIELD (chunk_previous)
PY_FIELD (chunk_size) /* in bytes, with this header */
PY_FIELD (chunk_top)  /* slots used, in all but the newest chunk */
PY_FIELD (chunk_data) /* the first slot */

/* PyCodeObject; its ob_size is the number of code units */
PY_FIELD (code_filename)
PY_FIELD (code_name)
PY_FIELD (code_qualname)
PY_FIELD (code_line_table)
PY_FIELD (code_first_line)
PY_FIELD (code_flags)
PY_FIELD (code_first_traceable) /* int: index of the first unit after a frame's prologue */
PY_FIELD (code_instructions)    /* co_code_adaptive */
PY_FIELD (code_n_slots)         /* int: co_nlocalsplus */
PY_FIELD (code_stack_size)      /* int: co_stacksize */
PY_FIELD (code_tlbc)            /* 3.14+, free-threaded: address of the copies of the bytecode */

/* _PyCodeArray */
PY_FIELD (tlbc_size)    /* Py_ssize_t */
PY_FIELD (tlbc_entries) /* addresses of the copies */

/* PyObject, PyVarObject */
PY_FIELD (object_type)
PY_FIELD (object_size) /* ob_size */
PY_FIELD (object_dict) /* managed __dict__: bytes before the object; an odd word there (3.12) is values + 1 */
PY_FIELD (object_values)        /* 3.11: address of the values: bytes before the object */
PY_FIELD (object_inline_values) /* 3.13: values inside the object; 3.14+: at tp_basicsize instead */

/* PyTypeObject, PyHeapTypeObject */
PY_FIELD (type_name)
PY_FIELD (type_basicsize)
PY_FIELD (type_itemsize)
PY_FIELD (type_traverse)
PY_FIELD (type_weaklistoffset)
PY_FIELD (type_members) /* address of PyMemberDefs */
PY_FIELD (type_flags)
PY_FIELD (type_base)
PY_FIELD (type_dictoffset)
PY_FIELD (type_repr)
PY_FIELD (type_mro)
PY_FIELD (type_dict)
PY_FIELD (type_bases)
PY_FIELD (type_cache)
PY_FIELD (type_subclasses) /* a dict; of static types from 3.12 on none */
PY_FIELD (type_size)       /* of PyTypeObject */
PY_FIELD (type_heap_name)  /* ht_name */
PY_FIELD (type_heap_slots) /* ht_slots */
PY_FIELD (type_qualname)
PY_FIELD (type_cached_keys) /* keys of the instances' values */
PY_FIELD (type_module)      /* ht_module */
PY_FIELD (type_heap_size)   /* of PyHeapTypeObject */

/* PyASCIIObject, PyCompactUnicodeObject, PyUnicodeObject */
PY_FIELD (unicode_length)
PY_FIELD (unicode_state)
PY_FIELD (unicode_kind_mask)    /* bits of the 32-bit state word */
PY_FIELD (unicode_compact_mask) /* likewise */
PY_FIELD (unicode_ascii_mask)   /* likewise */
PY_FIELD (unicode_ascii_data)   /* the characters, if ascii and compact */
PY_FIELD (unicode_compact_data) /* the characters, if compact */
PY_FIELD (unicode_data)         /* else their address */
PY_FIELD (unicode_utf8_length)
PY_FIELD (unicode_utf8) /* address of the text in UTF-8, if it was asked for */
PY_FIELD (unicode_size) /* of PyUnicodeObject */

/* PyLongObject */
PY_FIELD (long_tag)    /* 3.12+: lv_tag: digits << 3 | sign; 3.11 has digits and sign in ob_size */
PY_FIELD (long_digits) /* of 30 bits in 32, the lowest first */

/* PyBytesObject */
PY_FIELD (bytes_data)

/* PyDictObject, PyDictKeysObject, PyDictValues */
PY_FIELD (dict_keys)
PY_FIELD (dict_values)          /* NULL unless keys are shared */
PY_FIELD (dict_used)
PY_FIELD (dict_size)            /* of PyDictObject */
PY_FIELD (keys_references)      /* dk_refcnt: 1 unless keys are shared */
PY_FIELD (keys_usable)
PY_FIELD (keys_log2_size)       /* uint8 */
PY_FIELD (keys_log2_index_size) /* uint8: log2 of the bytes of the index, after which the entries come */
PY_FIELD (keys_kind)            /* uint8: 0 general {hash, key, value}, 1 str {key, value}, 2 shared */
PY_FIELD (keys_n_entries)
PY_FIELD (keys_indices)
PY_FIELD (values_array)
PY_FIELD (values_valid) /* 3.13+: uint8: 0 when the values moved to a dict */

/* PyModuleObject */
PY_FIELD (module_dict)
PY_FIELD (module_definition) /* address of its PyModuleDef (3.15: has none) */
PY_FIELD (module_state)
PY_FIELD (module_state_size) /* 3.15: Py_ssize_t */
PY_FIELD (module_name)

/* PyModuleDef */
PY_FIELD (definition_state_size)

/* PyTupleObject, PyListObject, PySetObject, PyFloatObject, PyWeakReference, PyCellObject */
PY_FIELD (tuple_items)
PY_FIELD (list_items) /* address of the items */
PY_FIELD (list_allocated)
PY_FIELD (set_used)
PY_FIELD (set_mask)  /* number of slots - 1 */
PY_FIELD (set_table) /* address of the slots {key, hash} */
PY_FIELD (set_small_table)
PY_FIELD (float_value)
PY_FIELD (weakref_object)
PY_FIELD (weakref_callback)
PY_FIELD (cell_value)

/* dequeobject (private to _collectionsmodule.c) */
PY_FIELD (deque_left_block)
PY_FIELD (deque_left_index)
PY_FIELD (deque_right_block)
PY_FIELD (deque_right_index)

/* PyFunctionObject, PyMethodObject, PyCFunctionObject, partialobject (private to _functoolsmodule.c) */
PY_FIELD (function_code)
PY_FIELD (function_qualname)
PY_FIELD (function_closure)
PY_FIELD (function_module)
PY_FIELD (function_dict)
PY_FIELD (method_function)
PY_FIELD (method_self)
PY_FIELD (cfunction_def) /* address of a PyMethodDef, whose first field is the name */
PY_FIELD (cfunction_self)
PY_FIELD (partial_function)
PY_FIELD (partial_arguments)
PY_FIELD (partial_keywords)

/* PyGenObject: generators, coroutines, asynchronous generators */
PY_FIELD (gen_code) /* 3.11: the code object, also when the frame is gone */
PY_FIELD (gen_name)
PY_FIELD (gen_qualname)
PY_FIELD (gen_frame_state) /* int8 */
PY_FIELD (gen_frame)       /* the _PyInterpreterFrame itself */
PY_FIELD (gen_exception)   /* gi_exc_state.exc_value */
PY_FIELD (gen_origin)      /* cr_origin_or_finalizer; ag_origin_or_finalizer */
PY_FIELD (gen_cleared)     /* the gen_frame_state from which on there is no frame any more */

/* PyFrameObject */
PY_FIELD (frame_frame) /* address of its _PyInterpreterFrame */
PY_FIELD (frame_data) /* the _PyInterpreterFrame, once it is its own */

/* PyDescrObject */
PY_FIELD (descriptor_type)
PY_FIELD (descriptor_name)
PY_FIELD (descriptor_qualname)

/* What a wrapper wraps, right after its head: async_generator_asend and _athrow, coroutine_wrapper, and FutureIter,
 * TaskStepMethWrapper and (3.11) PyRunningLoopHolder of _asynciomodule.c */
PY_FIELD (wrapper_object)

/* PyBaseExceptionObject */
PY_FIELD (exception_arguments)

/* FutureObj, TaskObj (private to _asynciomodule.c) */
PY_FIELD (future_size) /* tp_basicsize */
PY_FIELD (future_loop)
PY_FIELD (future_callback)  /* the first */
PY_FIELD (future_callbacks) /* list of the others: (callback, context) */
PY_FIELD (future_exception)
PY_FIELD (future_result)
PY_FIELD (future_source) /* where it was created, in debug mode */
PY_FIELD (future_state)  /* int: 0 pending, 1 cancelled, 2 finished */
PY_FIELD (task_size)     /* tp_basicsize */
PY_FIELD (task_cancels)  /* int: cancellations asked for */
PY_FIELD (task_waiter)
PY_FIELD (task_coroutine)
PY_FIELD (task_name) /* str; 3.12+: or int, for "Task-N" */

/* How code is let in: PyInterpreterState, PyThreadState, struct pyruntimestate */
PY_FIELD (interp_eval_breaker)        /* 3.11, 3.12: int: the interpreter looks up when it is not 0 */
PY_MOVING_FIELD (tstate_eval_breaker) /* 3.13+: word whose low byte has a bit for each reason to look up */
PY_FIELD (interp_pending)             /* 3.11: calls for the main thread to make, struct _pending_calls */
PY_MOVING_FIELD (runtime_pending)     /* 3.12+: likewise; from 3.13 on nearby, for releases moved it */
PY_MOVING_FIELD (tstate_remote)       /* 3.14+: what a debugger leaves, _PyRemoteDebuggerSupport */
PY_MOVING_FIELD (interp_remote)       /* 3.14+: int: whether it may (PyConfig.remote_debug) */
PY_MOVING_FIELD (remote_call)         /* 3.14+: int32: 1 asks for the script to be run */
PY_MOVING_FIELD (remote_path)         /* 3.14+: its path */

/* struct _pending_calls: a ring */
PY_FIELD (pending_lock)   /* 3.11, 3.12: address of a semaphore; 3.13+: byte, 0: nobody has it */
PY_FIELD (pending_busy)   /* 3.12: int; 3.13+: address of the thread state: not 0 while calls are made */
PY_FIELD (pending_count)  /* 3.11, 3.12: int: 1 when there is one; 3.13+: int32: how many */
PY_FIELD (pending_max)    /* 3.13+: int32, and after it maxloop */
PY_FIELD (pending_calls)  /* {function, argument}, 3.13+ and flags */
PY_FIELD (pending_first)  /* int: index of the oldest */
PY_FIELD (pending_next)   /* int: index after the newest */
PY_FIELD (pending_length) /* how many the ring has room for */
PY_FIELD (pending_stride) /* bytes of one */

/* PySocketSockObject (private to socketmodule.c): ints */
PY_FIELD (socket_fd) /* -1: closed */
PY_FIELD (socket_family)
PY_FIELD (socket_type)
PY_FIELD (socket_protocol)

#undef PY_MOVING_FIELD
