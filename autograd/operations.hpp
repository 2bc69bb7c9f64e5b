// All operations.
#pragma once

#include "autograd/arithmetic.hpp"
#include "autograd/elementwise.hpp"
#include "autograd/linear_algebra.hpp"
#include "autograd/normalization.hpp"
#include "autograd/probability.hpp"
#include "autograd/reduce.hpp"
#include "autograd/shape.hpp"
