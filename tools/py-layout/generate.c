/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints where one CPython keeps the fields of src/python/py-layout-fields.h: "name offset" lines, after a line "version HEX
 * free-threaded". Built by ./update against that version's headers, once for each.
 */

#define Py_BUILD_CORE 1
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal/pycore_code.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_moduleobject.h"
#include "internal/pycore_object.h"
#include "internal/pycore_runtime.h"
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe_structs.h"
#endif

/* Structures that CPython keeps to itself, as in Modules/ of each version. */

typedef struct
{
  PyObject_VAR_HEAD
  void *left_block, *right_block;
  Py_ssize_t left_index, right_index;
} Deque;

typedef struct
{
  PyObject_HEAD
  PyObject *function, *arguments, *keywords;
} Partial;

typedef struct
{
  PyObject_HEAD
  PyObject *object;
} Wrapper;

typedef struct
{
  PyObject_HEAD
  int fd, family, type, protocol;
} Socket;

#if PY_VERSION_HEX < 0x030d0000
#define FUTURE_END                                                                                            \
  int state, log_traceback, blocking;                                                                        \
  PyObject *dict, *weak_references, *cancelled_exception;
#define TASK_END                                                                                             \
  PyObject *waiter, *coroutine, *name, *context;                                                             \
  int must_cancel, log_destroy_pending, cancels;
#elif PY_VERSION_HEX < 0x030e0000
#define FUTURE_END                                                                                           \
  PyObject *cancelled_exception;                                                                             \
  int state;                                                                                                 \
  unsigned log_traceback : 1, blocking : 1;
#define TASK_END                                                                                             \
  unsigned must_cancel : 1, log_destroy_pending : 1;                                                         \
  int cancels;                                                                                               \
  PyObject *waiter, *coroutine, *name, *context;
#else
#define FUTURE_END                                                                                           \
  PyObject *cancelled_exception, *awaited_by;                                                                \
  int state;                                                                                                 \
  char is_task, awaited_by_is_set;                                                                           \
  unsigned log_traceback : 1, blocking : 1;
#ifdef Py_GIL_DISABLED
#define TASK_THREAD uintptr_t thread;
#else
#define TASK_THREAD
#endif
#define TASK_END                                                                                             \
  unsigned must_cancel : 1, log_destroy_pending : 1;                                                         \
  int cancels;                                                                                               \
  PyObject *waiter, *coroutine, *name, *context;                                                             \
  void *node[2];                                                                                             \
  TASK_THREAD
#endif

#define FUTURE                                                                                               \
  PyObject_HEAD PyObject *loop, *callback, *context0, *callbacks, *exception, *exception_traceback, *result,  \
      *source, *cancel_message;                                                                              \
  FUTURE_END

typedef struct
{
  FUTURE
} Future;

typedef struct
{
  FUTURE
  TASK_END
} Task;

#define NO_FIELD 0xffffffffu
#define BEFORE(pointers) ((pointers) * sizeof (void *))

#define runtime_finalizing offsetof (_PyRuntimeState, _finalizing)
#define runtime_interpreters offsetof (_PyRuntimeState, interpreters.head)
#define runtime_main_thread offsetof (_PyRuntimeState, main_thread)
#define interp_next offsetof (PyInterpreterState, next)
#define interp_id offsetof (PyInterpreterState, id)
#define interp_threads offsetof (PyInterpreterState, threads.head)
#define interp_gc offsetof (PyInterpreterState, gc)
#if PY_VERSION_HEX < 0x030c0000
#define runtime_gil offsetof (_PyRuntimeState, ceval.gil)
#define interp_modules offsetof (PyInterpreterState, modules)
#define interp_gil NO_FIELD
#else
#define runtime_gil NO_FIELD
#define interp_modules offsetof (PyInterpreterState, imports.modules)
#define interp_gil offsetof (PyInterpreterState, ceval.gil)
#endif

#define gc_collecting offsetof (struct _gc_runtime_state, collecting)
#if defined(Py_GIL_DISABLED) || (PY_VERSION_HEX >= 0x030e0000 && PY_VERSION_HEX < 0x030e0500)
#define gc_generation0 NO_FIELD
#else
#define gc_generation0 offsetof (struct _gc_runtime_state, generation0)
#endif
#ifdef Py_GIL_DISABLED
#define gc_permanent NO_FIELD
#define gc_head_size 0
#else
#define gc_permanent offsetof (struct _gc_runtime_state, permanent_generation)
#define gc_head_size sizeof (PyGC_Head)
#endif

#define gil_last_holder offsetof (struct _gil_runtime_state, last_holder)
#define gil_locked offsetof (struct _gil_runtime_state, locked)
#define gil_switch_number offsetof (struct _gil_runtime_state, switch_number)

#define tstate_next offsetof (PyThreadState, next)
#define tstate_interp offsetof (PyThreadState, interp)
#define tstate_thread_id offsetof (PyThreadState, thread_id)
#define tstate_native_thread_id offsetof (PyThreadState, native_thread_id)
#define tstate_datastack_chunk offsetof (PyThreadState, datastack_chunk)
#define tstate_datastack_top offsetof (PyThreadState, datastack_top)
#if PY_VERSION_HEX < 0x030d0000
#define tstate_cframe offsetof (PyThreadState, cframe)
#define tstate_current_frame NO_FIELD
#define cframe_current_frame offsetof (_PyCFrame, current_frame)
#define iframe_code offsetof (_PyInterpreterFrame, f_code)
#define iframe_instruction offsetof (_PyInterpreterFrame, prev_instr)
#else
#define tstate_cframe NO_FIELD
#define tstate_current_frame offsetof (PyThreadState, current_frame)
#define cframe_current_frame NO_FIELD
#define iframe_code offsetof (_PyInterpreterFrame, f_executable)
#define iframe_instruction offsetof (_PyInterpreterFrame, instr_ptr)
#endif
#if PY_VERSION_HEX < 0x030d0000
#define tstate_dict offsetof (PyThreadState, dict)
#else
#define tstate_dict NO_FIELD
#endif
#if PY_VERSION_HEX < 0x030f0000
#define tstate_base_frame NO_FIELD
#else
#define tstate_base_frame offsetof (PyThreadState, base_frame)
#endif

#if PY_VERSION_HEX < 0x030c0000
#define iframe_function offsetof (_PyInterpreterFrame, f_func)
#else
#define iframe_function offsetof (_PyInterpreterFrame, f_funcobj)
#endif
#define iframe_namespace offsetof (_PyInterpreterFrame, f_locals)
#define iframe_object offsetof (_PyInterpreterFrame, frame_obj)
#define iframe_previous offsetof (_PyInterpreterFrame, previous)
#define iframe_owner offsetof (_PyInterpreterFrame, owner)
#if PY_VERSION_HEX < 0x030c0000
#define iframe_is_entry offsetof (_PyInterpreterFrame, is_entry)
#else
#define iframe_is_entry NO_FIELD
#endif
#define iframe_locals offsetof (_PyInterpreterFrame, localsplus)
#if PY_VERSION_HEX < 0x030e0000
#define iframe_stack_top offsetof (_PyInterpreterFrame, stacktop)
#define iframe_stack_end NO_FIELD
#else
#define iframe_stack_top NO_FIELD
#define iframe_stack_end offsetof (_PyInterpreterFrame, stackpointer)
#endif
#if PY_VERSION_HEX >= 0x030e0000 && defined(Py_GIL_DISABLED)
#define iframe_tlbc_index offsetof (_PyInterpreterFrame, tlbc_index)
#define code_tlbc offsetof (PyCodeObject, co_tlbc)
#define tlbc_size offsetof (_PyCodeArray, size)
#define tlbc_entries offsetof (_PyCodeArray, entries)
#else
#define iframe_tlbc_index NO_FIELD
#define code_tlbc NO_FIELD
#define tlbc_size NO_FIELD
#define tlbc_entries NO_FIELD
#endif

#define chunk_previous offsetof (_PyStackChunk, previous)
#define chunk_size offsetof (_PyStackChunk, size)
#define chunk_top offsetof (_PyStackChunk, top)
#define chunk_data offsetof (_PyStackChunk, data)

#define code_filename offsetof (PyCodeObject, co_filename)
#define code_name offsetof (PyCodeObject, co_name)
#define code_qualname offsetof (PyCodeObject, co_qualname)
#define code_line_table offsetof (PyCodeObject, co_linetable)
#define code_first_line offsetof (PyCodeObject, co_firstlineno)
#define code_flags offsetof (PyCodeObject, co_flags)
#define code_first_traceable offsetof (PyCodeObject, _co_firsttraceable)
#define code_instructions offsetof (PyCodeObject, co_code_adaptive)
#define code_n_slots offsetof (PyCodeObject, co_nlocalsplus)
#define code_stack_size offsetof (PyCodeObject, co_stacksize)

#define object_type offsetof (PyObject, ob_type)
#define object_size offsetof (PyVarObject, ob_size)
#ifdef MANAGED_DICT_OFFSET
#define object_dict ((size_t) (-MANAGED_DICT_OFFSET))
#else
#define object_dict BEFORE (3) /* 3.12: _PyObject_DictOrValuesPointer() */
#endif
#if PY_VERSION_HEX < 0x030c0000
#define object_values BEFORE (4) /* 3.11: _PyObject_ValuesPointer() */
#else
#define object_values NO_FIELD
#endif
#if PY_VERSION_HEX >= 0x030d0000 && PY_VERSION_HEX < 0x030e0000
#define object_inline_values sizeof (PyObject)
#else
#define object_inline_values NO_FIELD
#endif

#define type_name offsetof (PyTypeObject, tp_name)
#define type_basicsize offsetof (PyTypeObject, tp_basicsize)
#define type_itemsize offsetof (PyTypeObject, tp_itemsize)
#define type_traverse offsetof (PyTypeObject, tp_traverse)
#define type_weaklistoffset offsetof (PyTypeObject, tp_weaklistoffset)
#define type_members offsetof (PyTypeObject, tp_members)
#define type_flags offsetof (PyTypeObject, tp_flags)
#define type_base offsetof (PyTypeObject, tp_base)
#define type_dictoffset offsetof (PyTypeObject, tp_dictoffset)
#define type_repr offsetof (PyTypeObject, tp_repr)
#define type_mro offsetof (PyTypeObject, tp_mro)
#define type_dict offsetof (PyTypeObject, tp_dict)
#define type_bases offsetof (PyTypeObject, tp_bases)
#define type_cache offsetof (PyTypeObject, tp_cache)
#define type_subclasses offsetof (PyTypeObject, tp_subclasses)
#define type_size sizeof (PyTypeObject)
#define type_heap_name offsetof (PyHeapTypeObject, ht_name)
#define type_heap_slots offsetof (PyHeapTypeObject, ht_slots)
#define type_qualname offsetof (PyHeapTypeObject, ht_qualname)
#define type_cached_keys offsetof (PyHeapTypeObject, ht_cached_keys)
#define type_module offsetof (PyHeapTypeObject, ht_module)
#define type_heap_size sizeof (PyHeapTypeObject)

#define unicode_length offsetof (PyASCIIObject, length)
#define unicode_state offsetof (PyASCIIObject, state)
#define unicode_kind_mask state_mask ((PyASCIIObject) { .state.kind = 7 })
#define unicode_compact_mask state_mask ((PyASCIIObject) { .state.compact = 1 })
#define unicode_ascii_mask state_mask ((PyASCIIObject) { .state.ascii = 1 })
#define unicode_ascii_data sizeof (PyASCIIObject)
#define unicode_compact_data sizeof (PyCompactUnicodeObject)
#define unicode_data offsetof (PyUnicodeObject, data)
#define unicode_utf8_length offsetof (PyCompactUnicodeObject, utf8_length)
#define unicode_utf8 offsetof (PyCompactUnicodeObject, utf8)
#define unicode_size sizeof (PyUnicodeObject)

#if PY_VERSION_HEX < 0x030c0000
#define long_tag NO_FIELD
#define long_digits offsetof (PyLongObject, ob_digit)
#define values_array offsetof (PyDictValues, values)
#else
#define long_tag offsetof (PyLongObject, long_value.lv_tag)
#define long_digits offsetof (PyLongObject, long_value.ob_digit)
#define values_array offsetof (PyDictValues, values)
#endif
#define bytes_data offsetof (PyBytesObject, ob_sval)

#define dict_keys offsetof (PyDictObject, ma_keys)
#define dict_values offsetof (PyDictObject, ma_values)
#define dict_used offsetof (PyDictObject, ma_used)
#define dict_size sizeof (PyDictObject)
#define keys_references offsetof (PyDictKeysObject, dk_refcnt)
#define keys_usable offsetof (PyDictKeysObject, dk_usable)
#define keys_log2_size offsetof (PyDictKeysObject, dk_log2_size)
#define keys_log2_index_size offsetof (PyDictKeysObject, dk_log2_index_bytes)
#define keys_kind offsetof (PyDictKeysObject, dk_kind)
#define keys_n_entries offsetof (PyDictKeysObject, dk_nentries)
#define keys_indices offsetof (PyDictKeysObject, dk_indices)
#if PY_VERSION_HEX < 0x030d0000
#define values_valid NO_FIELD
#else
#define values_valid offsetof (PyDictValues, valid)
#endif

#define module_dict offsetof (PyModuleObject, md_dict)
#if PY_VERSION_HEX < 0x030f0000
#define module_definition offsetof (PyModuleObject, md_def)
#define module_state_size NO_FIELD
#else
#define module_definition NO_FIELD
#define module_state_size offsetof (PyModuleObject, md_state_size)
#endif
#define module_state offsetof (PyModuleObject, md_state)
#define module_name offsetof (PyModuleObject, md_name)
#define definition_state_size offsetof (PyModuleDef, m_size)

#define tuple_items offsetof (PyTupleObject, ob_item)
#define list_items offsetof (PyListObject, ob_item)
#define list_allocated offsetof (PyListObject, allocated)
#define set_used offsetof (PySetObject, used)
#define set_mask offsetof (PySetObject, mask)
#define set_table offsetof (PySetObject, table)
#define set_small_table offsetof (PySetObject, smalltable)
#define float_value offsetof (PyFloatObject, ob_fval)
#define weakref_object offsetof (PyWeakReference, wr_object)
#define weakref_callback offsetof (PyWeakReference, wr_callback)
#define cell_value offsetof (PyCellObject, ob_ref)
#define deque_left_block offsetof (Deque, left_block)
#define deque_left_index offsetof (Deque, left_index)
#define deque_right_block offsetof (Deque, right_block)
#define deque_right_index offsetof (Deque, right_index)

#define function_code offsetof (PyFunctionObject, func_code)
#define function_qualname offsetof (PyFunctionObject, func_qualname)
#define function_closure offsetof (PyFunctionObject, func_closure)
#define function_module offsetof (PyFunctionObject, func_module)
#define function_dict offsetof (PyFunctionObject, func_dict)
#define method_function offsetof (PyMethodObject, im_func)
#define method_self offsetof (PyMethodObject, im_self)
#define cfunction_def offsetof (PyCFunctionObject, m_ml)
#define cfunction_self offsetof (PyCFunctionObject, m_self)
#define partial_function offsetof (Partial, function)
#define partial_arguments offsetof (Partial, arguments)
#define partial_keywords offsetof (Partial, keywords)

#if PY_VERSION_HEX < 0x030c0000
#define gen_code offsetof (PyGenObject, gi_code)
#else
#define gen_code NO_FIELD
#endif
#define gen_name offsetof (PyGenObject, gi_name)
#define gen_qualname offsetof (PyGenObject, gi_qualname)
#define gen_frame_state offsetof (PyGenObject, gi_frame_state)
#define gen_frame offsetof (PyGenObject, gi_iframe)
#define gen_exception offsetof (PyGenObject, gi_exc_state.exc_value)
#define gen_origin offsetof (PyCoroObject, cr_origin_or_finalizer)
#define gen_cleared FRAME_CLEARED
#define frame_frame offsetof (PyFrameObject, f_frame)
#define frame_data offsetof (PyFrameObject, _f_frame_data)
#define descriptor_type offsetof (PyDescrObject, d_type)
#define descriptor_name offsetof (PyDescrObject, d_name)
#define descriptor_qualname offsetof (PyDescrObject, d_qualname)
#define wrapper_object offsetof (Wrapper, object)
#define socket_fd offsetof (Socket, fd)
#define socket_family offsetof (Socket, family)
#define socket_type offsetof (Socket, type)
#define socket_protocol offsetof (Socket, protocol)
#define exception_arguments offsetof (PyBaseExceptionObject, args)

#define future_size sizeof (Future)
#define future_loop offsetof (Future, loop)
#define future_callback offsetof (Future, callback)
#define future_callbacks offsetof (Future, callbacks)
#define future_exception offsetof (Future, exception)
#define future_result offsetof (Future, result)
#define future_source offsetof (Future, source)
#define future_state offsetof (Future, state)
#define task_size sizeof (Task)
#define task_cancels offsetof (Task, cancels)
#define task_waiter offsetof (Task, waiter)
#define task_coroutine offsetof (Task, coroutine)
#define task_name offsetof (Task, name)

#define PENDING_MEMBER(name) offsetof (struct _pending_calls, name)
#define pending_calls PENDING_MEMBER (calls)
#define pending_first PENDING_MEMBER (first)
#define pending_length (sizeof (((struct _pending_calls *)0)->calls) / pending_stride)
#define pending_stride sizeof (((struct _pending_calls *)0)->calls[0])
#if PY_VERSION_HEX < 0x030d0000
#define interp_eval_breaker offsetof (PyInterpreterState, ceval.eval_breaker)
#define tstate_eval_breaker NO_FIELD
#define pending_lock PENDING_MEMBER (lock)
#define pending_count PENDING_MEMBER (calls_to_do)
#define pending_max NO_FIELD
#define pending_next PENDING_MEMBER (last)
#else
#define interp_eval_breaker NO_FIELD
#define tstate_eval_breaker offsetof (PyThreadState, eval_breaker)
#define pending_lock PENDING_MEMBER (mutex)
#define pending_count PENDING_MEMBER (npending)
#define pending_max PENDING_MEMBER (max)
#define pending_next PENDING_MEMBER (next)
#endif
#if PY_VERSION_HEX < 0x030c0000
#define interp_pending offsetof (PyInterpreterState, ceval.pending)
#define runtime_pending NO_FIELD
#define pending_busy NO_FIELD
#else
#define interp_pending NO_FIELD
#define runtime_pending offsetof (_PyRuntimeState, ceval.pending_mainthread)
#if PY_VERSION_HEX < 0x030d0000
#define pending_busy PENDING_MEMBER (busy)
#else
#define pending_busy PENDING_MEMBER (handling_thread)
#endif
#endif
#if PY_VERSION_HEX < 0x030e0000
#define tstate_remote NO_FIELD
#define interp_remote NO_FIELD
#define remote_call NO_FIELD
#define remote_path NO_FIELD
#else
#define tstate_remote offsetof (PyThreadState, remote_debugger_support)
#define interp_remote offsetof (PyInterpreterState, config.remote_debug)
#define remote_call offsetof (_PyRemoteDebuggerSupport, debugger_pending_call)
#define remote_path offsetof (_PyRemoteDebuggerSupport, debugger_script_path)
#endif

/* Bit-fields have no offset: the compiler says which bits of the state word it gives them. */
static unsigned
state_mask (PyASCIIObject object)
{
  unsigned word = 0;

  memcpy (&word, &object.state, sizeof word);
  return word;
}

int
main (void)
{
#ifdef Py_GIL_DISABLED
  printf ("version %#x 1\n", PY_VERSION_HEX);
#else
  printf ("version %#x 0\n", PY_VERSION_HEX);
#endif
#define PY_FIELD(name) printf ("%s %u\n", #name, (unsigned) (name));
#define PY_MOVING_FIELD(name) printf ("%s %u\n", #name, (unsigned) (name));
#include "py-layout-fields.h"
#undef PY_FIELD
  return 0;
}
